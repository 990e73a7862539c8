// What both programs need: a stub made from the .proto, and errors that tell their reason.

import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";
import protobuf from "protobufjs";

const protos = fileURLToPath(new URL("../../protos", import.meta.url));
const definition = protoLoader.loadSync("hydria/v1/artifact.proto", {
  includeDirs: [protos],
  keepCase: true,
  defaults: true, // an index of 0 is 0, not undefined
  longs: Number, // exact up to 2^53: sizes and offsets
});
const { ArtifactService } = grpc.loadPackageDefinition(definition).hydria.v1;

const { root } = protobuf.parse(`syntax = "proto3"; package google.rpc;
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message ErrorInfo { string reason = 1; string domain = 2; }`);

/** Open a connection; it is made when it is first used. */
export function connect(address) {
  return new ArtifactService(address, grpc.credentials.createInsecure());
}

/** Make one call that neither side streams; wait a minute at most. */
export function call(stub, method, request) {
  return promisify(stub[method].bind(stub))(request, { deadline: Date.now() + 60_000 });
}

/** Run a program with its arguments; a failure is one line, with the server's reason. */
export async function main(usage, program) {
  const [, name, ...args] = process.argv;
  if (args.length !== usage.split(" ").length) {
    console.error(`usage: node ${name} ${usage}`);
    process.exit(2);
  }
  await program(...args).catch((error) => {
    const code = grpc.status[error.code] ?? error.name;
    console.error([code, reasonOf(error), error.details || error.message].filter(Boolean).join(": "));
    process.exit(1);
  });
}

function reasonOf(error) {
  const [status] = error.metadata?.get("grpc-status-details-bin") ?? [];
  if (!status) return ""; // no server said it
  const { details } = root.lookupType("google.rpc.Status").decode(status);
  const info = details.find(({ typeUrl }) => typeUrl.endsWith("/google.rpc.ErrorInfo"));
  return info ? root.lookupType("google.rpc.ErrorInfo").decode(info.value).reason : "";
}
