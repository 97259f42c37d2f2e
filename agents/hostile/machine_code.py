"""Attacks with machine code of the agent's own: programs it wrote, and instructions no library sends."""

import ctypes
import mmap
import os
import struct
import subprocess

from attacks import Held
from system import call, refuses

_PROGRAM = "/work/program"
_ENTRY = 0x400078
_EXIT_42 = bytes.fromhex("bf2a000000b83c0000000f05")  # mov edi, 42; mov eax, 60 (exit); syscall
_RETURN = b"\xc3"
_SYSCALL = b"\x0f\x05"
_INT_80 = b"\xcd\x80"
_X32 = 0x40000000
_SOCKET, _AF_INET, _STREAM = 41, 2, 1
_LOADER = "/lib64/ld-linux-x86-64.so.2"


def elf(code: bytes) -> bytes:
    """The smallest ELF program (x86-64, one segment that may be read and run) of these instructions."""
    size = 0x78 + len(code)
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, _ENTRY, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return head + struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, size, size, 4096) + code


def put_program() -> str:
    """Writes the program into the only folder that may be written."""
    with open(_PROGRAM, "wb") as file:
        file.write(elf(_EXIT_42))
    os.chmod(_PROGRAM, 0o755)
    return _PROGRAM


def run_code(code: bytes) -> int:
    """Runs instructions from memory of its own; what they leave in rax."""
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code + _RETURN)
    return _enter(page)


def raw(number: int, *arguments: int) -> None:
    """A system call past every library. Raises OSError with what it ended with."""
    _judge(run_code(_loads(arguments) + b"\xb8" + struct.pack("<I", number) + _SYSCALL))


def raw_32(number: int, *arguments: int) -> None:
    """One of the 32-bit kind."""
    loads = _loads(arguments, (b"\xbb", b"\xb9", b"\xba"))  # mov ebx, ecx, edx
    _judge(run_code(b"\x53" + loads + b"\xb8" + struct.pack("<I", number) + _INT_80 + b"\x5b"))


def _loads(arguments: tuple[int, ...], registers: tuple[bytes, ...] = (b"\xbf", b"\xbe", b"\xba")) -> bytes:
    """mov edi, esi, edx, where nothing else is said."""
    return b"".join(mov + struct.pack("<I", value) for mov, value in zip(registers, arguments, strict=False))


def _enter(page: mmap.mmap) -> int:
    function = ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    return int(function())


def _judge(result: int) -> None:
    if result < 0:
        raise OSError(-result, "")


refuses("own_program", "A program of its own.", lambda: subprocess.run([put_program()], check=True))
refuses("own_program_by_loader", "The same, by the system's loader.", lambda: _run_by_loader(put_program()))
refuses("own_program_by_descriptor", "The same, by a descriptor.", lambda: _exec_descriptor(put_program()))
refuses("own_script", "A script of its own.", lambda: _run_script())
refuses("own_library", "A library of its own, which asks for the network.", lambda: _run_library())
refuses("raw_socket_call", "A socket, by an instruction of its own.", lambda: raw(_SOCKET, _AF_INET, _STREAM, 0))
refuses("raw_namespace_call", "A namespace, the same way.", lambda: raw(272, 0x10000000))
refuses("raw_old_call", "A call of the 32-bit kind.", lambda: raw_32(359, _AF_INET, _STREAM, 0))
refuses("raw_x32_call", "A call of the x32 kind.", lambda: raw(_X32 | _SOCKET, _AF_INET, _STREAM, 0))
refuses("raw_halt", "The processor, stopped.", lambda: run_code(b"\xf4"))
refuses("raw_port", "A port of the machine.", lambda: run_code(b"\xe4\x70"))
refuses("raw_register", "A register of the machine.", lambda: run_code(b"\xb9\x80\x00\x00\xc0\x0f\x32"))


def _run_by_loader(program: str) -> None:
    got = subprocess.run([_LOADER, program], capture_output=True)
    if got.returncode != 42:
        raise Held("NOT_LOADED")


def _exec_descriptor(program: str) -> None:
    call(322, os.open(program, os.O_RDONLY), b"", None, None, 0x1000)


def _run_script() -> None:
    with open("/work/script", "w") as file:
        file.write("#!/usr/bin/python3\n")
    os.chmod("/work/script", 0o755)
    subprocess.run(["/work/script"], check=True)


def _run_library() -> None:
    with open("/work/library", "w+b") as file:
        file.write((_socket_call() + _RETURN).ljust(mmap.PAGESIZE, b"\0"))
        file.flush()
        page = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC, flags=mmap.MAP_PRIVATE)
    _judge(_enter(page))


def _socket_call() -> bytes:
    return _loads((_AF_INET, _STREAM, 0)) + b"\xb8" + struct.pack("<I", _SOCKET) + _SYSCALL
