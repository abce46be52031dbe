// A prediction on encrypted data: keys, encryption and decryption happen in this browser, the server computes blindly.
import init, { Client, key_name } from "./hemet_web.js";

const PIECE = 1 << 20;

export class Model {
  // `url` is that of a model, as in /v2/models/digits; `token` is needed where the server wants one.
  static async open(url, token) {
    await init({ module_or_path: new URL("./hemet_web_bg.wasm", import.meta.url) });
    const model = new Model(url.replace(/\/$/, ""), token);
    const spec = await model.ask("GET", "/spec");
    model.client = new Client(new Uint8Array(await spec.arrayBuffer()));
    model.facts = JSON.parse(model.client.facts());
    return model;
  }

  constructor(url, token) {
    this.url = url;
    this.token = token;
  }

  // Uploads the evaluation keys; `heard(sent, all)` hears of it.
  async upload(heard = () => {}) {
    const keys = this.client.evaluation_keys();
    this.keys = key_name(keys);
    for (let sent = 0; sent < keys.length; sent += PIECE) {
      heard(sent, keys.length);
      const piece = keys.subarray(sent, sent + PIECE);
      const range = `bytes ${sent}-${sent + piece.length - 1}/${keys.length}`;
      await this.ask("PUT", `/keys/${this.keys}`, piece, { "content-range": range });
    }
    heard(keys.length, keys.length);
  }

  // The answer to one input, numbers in channel-major order.
  async predict(input) {
    const request = this.client.encrypt(Float64Array.from(input));
    const head = new TextEncoder().encode(
      JSON.stringify({
        parameters: { evaluation_keys: this.keys, binary_data_output: true },
        inputs: [
          {
            name: "encrypted_input",
            shape: [request.length],
            datatype: "UINT8",
            parameters: { binary_data_size: request.length },
          },
        ],
      }),
    );
    const body = new Uint8Array(head.length + request.length);
    body.set(head);
    body.set(request, head.length);
    const answered = await this.ask("POST", "/infer", body, {
      "inference-header-content-length": String(head.length),
    });
    const length = Number(answered.headers.get("inference-header-content-length"));
    const all = new Uint8Array(await answered.arrayBuffer());
    const told = JSON.parse(new TextDecoder().decode(all.subarray(0, length)));
    const answer = JSON.parse(this.client.decrypt(request, all.subarray(length)));
    return { ...answer, server_ms: told.parameters.server_ms };
  }

  async ask(method, path, body, headers = {}) {
    const all = { ...headers };
    if (body) all["content-type"] = "application/octet-stream";
    if (this.token) all.authorization = `Bearer ${this.token}`;
    for (;;) {
      const response = await fetch(this.url + path, { method, body, headers: all });
      if (response.ok) return response;
      const after = Number(response.headers.get("retry-after"));
      if (!after) {
        const why = await response.json().catch(() => ({}));
        throw new Error(`${response.status}: ${why.error ?? response.statusText}`);
      }
      await new Promise((done) => setTimeout(done, 1000 * Math.min(after, 30)));
    }
  }
}
