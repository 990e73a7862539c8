// node upload.mjs ADDRESS ENTITY/PROJECT/COLLECTION TYPE DIRECTORY

import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createBLAKE3 } from "hash-wasm";
import { call, connect, main } from "./client.mjs";

async function* messages(uploadId, path, file) {
  const hasher = await createBLAKE3();
  let size = 0;
  yield { header: { upload_id: uploadId, path } };
  for await (const data of createReadStream(file, { highWaterMark: 1 << 20 })) {
    hasher.update(data);
    size += data.length;
    yield { data };
  }
  yield { trailer: { size_bytes: size, content_digest: hasher.digest("binary") } };
}

function uploadFile(stub, uploadId, path, file) {
  return new Promise((resolve, reject) => {
    const stream = stub.UploadFile((error) => (error ? reject(error) : resolve()));
    pipeline(Readable.from(messages(uploadId, path, file)), stream).catch(reject);
  });
}

await main("ADDRESS ENTITY/PROJECT/COLLECTION TYPE DIRECTORY", async (address, name, type, root) => {
  const [entity, project, collection] = name.split("/");
  const stub = connect(address);
  const where = { entity, project, collection, type, request_id: randomUUID() };
  const { upload_id: uploadId } = (await call(stub, "CreateUpload", where)).upload;
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((found) => found.isFile())) {
    const file = join(entry.parentPath, entry.name);
    const path = relative(root, file).replaceAll(sep, "/").normalize("NFC");
    await uploadFile(stub, uploadId, path, file);
  }
  const { version, created } = await call(stub, "CommitUpload", { upload_id: uploadId });
  console.log(version.ref, created ? "new" : "known");
  stub.close();
});
