/** Child of the firewall's tests: listens on TCP as a user and says hello, until it is killed. `node listen-inside.ts UID PORT`. */
import { createServer } from "node:net";

const [uid, port] = process.argv.slice(2).map(Number);
process.setgid?.(uid as number);
process.setuid?.(uid as number);
createServer((socket) => socket.on("error", () => {}).end("hello")).listen(port, "::", () => console.log("ready"));
