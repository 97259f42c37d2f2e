# Makes the image, tries it and publishes it, in this order; `npm run image` starts it inside the workshop. Packer's own QEMU builder
# is not used: in 1.6.6 it knows no TPM, and it boots the disk it ships.

variable "build" {
  type        = string
  description = "The folder of this build: what lies there is image/build.ts's to say."
}

variable "accept" {
  type        = string
  description = "Which claims the image must meet before it is published: core or boot."
}

source "null" "silo" {
  communicator = "none"
}

build {
  sources = ["source.null.silo"]

  # The root: one tree, one read-only file system, one hash.
  provisioner "shell-local" {
    environment_vars = ["SILO_BUILD=${var.build}"]
    inline           = ["exec node image/steps/root.ts"]
  }

  # The unified kernel image that starts this root and no other, and the one for acceptance, signed with keys of its own.
  provisioner "shell-local" {
    environment_vars = ["SILO_BUILD=${var.build}"]
    inline           = ["exec node image/steps/kernel.ts"]
  }

  # The disk.
  provisioner "shell-local" {
    environment_vars = ["SILO_BUILD=${var.build}"]
    inline           = ["exec node image/steps/disk.ts"]
  }

  # Copies of it are booted; what fails here is not published.
  provisioner "shell-local" {
    environment_vars = ["SILO_BUILD=${var.build}"]
    inline           = ["exec node tests/acceptance/main.ts ${var.accept}"]
  }

  provisioner "shell-local" {
    environment_vars = ["SILO_BUILD=${var.build}"]
    inline           = ["exec node image/steps/publish.ts"]
  }
}
