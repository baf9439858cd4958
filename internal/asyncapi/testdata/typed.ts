// What must compile with the generated types, and what must not.
import { io, type Socket } from "socket.io-client";
import { Client, type ClientToServerEvents, type Loose, type ServerToClientEvents } from "./meeting-and-unions.js";

const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io();
socket.on("userJoined", ({ userName, isCreator }) => console.log(userName.length, isCreator === true));
socket.emit("joinRoom", { roomId: "a", userName: "B" }, (...[success, result]) => {
  if (success) console.log(result.isCreator);
  else if ("error" in result) console.log(result.error === "NAME_ALREADY_TAKEN");
  else console.log(result.message);
});
socket.emit("checkRoom", "a", (reply) => console.log(reply === true));
// @ts-expect-error there is no such event
socket.emit("dance");
// @ts-expect-error userName is missing
socket.emit("joinRoom", { roomId: "a" }, () => {});

const client = new Client({ url: "http://localhost" });
const stop: () => void = client.on("roomsList", (rooms) => console.log(rooms[0]?.users.length));
client.request("joinRoom", { roomId: "a", userName: "B" }).then(([success, result]) => console.log(success, result));
// @ts-expect-error nothing answers leaveRoom
void client.request("leaveRoom");
// @ts-expect-error the payload is a list
client.on("roomsList", (rooms: string) => console.log(rooms));
stop();

const loose: Loose[] = [true, "text", { kind: "circle", radius: 1 }];
// @ts-expect-error a number is none of the branches
const wrong: Loose = 3;
console.log(loose, wrong);
