import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const gitSha = (bytes: Uint8Array): string => createHash('sha1').update(`blob ${bytes.byteLength}\0`).update(bytes).digest('hex');
const isLarge = (name: string): boolean => name.endsWith('.safetensors') || name.endsWith('.bin');

export type Commit = { readonly files: Map<string, Uint8Array>; readonly licence?: string };

/** A server that speaks as much of the hub's protocol as pulling and pushing need, from outside of which faults can be put in. */
export class TestHub {
  readonly repositories = new Map<string, Map<string, Commit>>();
  readonly requests: { readonly method: string; readonly url: string; readonly authorization: string | undefined; readonly range: string | undefined }[] = [];
  readonly #large = new Map<string, Uint8Array>();
  readonly #server: Server;
  /** What becomes of an answer instead of what should; true: it has been dealt with. */
  fault: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;
  /** Of a listing, so that it may lie. */
  listing: (entry: Record<string, unknown>) => Record<string, unknown> = (entry) => entry;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<TestHub> {
    const server = createServer();
    const hub = new TestHub(server);
    server.on('request', (request, response) => void hub.answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return hub;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Also under its branch `main`. */
  put(name: string, revision: string, commit: Commit): void {
    this.repositories.set(name, new Map([[revision, commit], ['main', commit]]));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    this.requests.push({ method, url, authorization: headers.authorization, range: headers.range });
    if (this.fault(request, response)) return;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = decodeURIComponent(new URL(url, this.url).pathname);
    const json = (value: unknown, status = 200): void => void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    const body = Buffer.concat(chunks);
    if (method === 'GET') this.#read(path, { request, response, json });
    else this.#write(path, body, json);
  }

  #commit(name: string, revision: string): { sha: string; commit: Commit } | undefined {
    const commits = this.repositories.get(name);
    const commit = commits?.get(revision === 'HEAD' ? 'main' : revision);
    const sha = commit && [...commits!].find(([key, one]) => one === commit && key !== 'main')?.[0];
    return commit && sha !== undefined ? { sha, commit } : undefined;
  }

  #read(path: string, { request, response, json }: { request: IncomingMessage; response: ServerResponse; json: (value: unknown, status?: number) => void }): void {
    const [, infoName = '', infoRevision = ''] = /^\/api\/models\/([^/]+\/[^/]+)\/revision\/(.+)$/.exec(path) ?? [];
    const [, treeName = '', treeRevision = ''] = /^\/api\/models\/([^/]+\/[^/]+)\/tree\/(.+)$/.exec(path) ?? [];
    const [, fileName = '', fileRevision = '', file = ''] = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path) ?? [];
    const found = this.#commit(infoName || treeName || fileName, infoRevision || treeRevision || fileRevision);
    if (!found) return json({ error: 'Repository not found' }, 404);
    const { sha, commit } = found;
    if (infoName !== '') return json({ _id: '1', id: infoName, sha, tags: commit.licence === undefined ? [] : [`license:${commit.licence}`], private: false, downloads: 0, gated: false, likes: 0, lastModified: '2026-01-01T00:00:00.000Z' });
    if (treeName !== '') return json([...commit.files].map(([name, bytes]) => this.listing({ type: 'file', path: name, size: bytes.byteLength, oid: gitSha(bytes), ...(isLarge(name) && { lfs: { oid: sha256(bytes), size: bytes.byteLength, pointerSize: 130 } }) })));
    const bytes = commit.files.get(file);
    if (!bytes) return void response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end();
    const [, from = '0', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const end = to === '' ? bytes.byteLength : Math.min(Number(to) + 1, bytes.byteLength);
    const part = bytes.subarray(Number(from), end);
    const isRange = request.headers.range !== undefined;
    response.writeHead(isRange ? 206 : 200, { etag: `"${sha256(bytes)}"`, 'content-length': part.byteLength, ...(isRange && { 'content-range': `bytes ${from}-${end - 1}/${bytes.byteLength}` }) }).end(part);
  }

  #write(path: string, body: Buffer, json: (value: unknown, status?: number) => void): void {
    if (path === '/api/repos/create') {
      const { organization, name } = JSON.parse(body.toString()) as { organization: string; name: string };
      this.put(`${organization}/${name}`, '0'.repeat(40), { files: new Map() });
      return json({ url: `${this.url}/${organization}/${name}`, id: `${organization}/${name}` });
    }
    if (path.includes('/preupload/')) {
      const { files } = JSON.parse(body.toString()) as { files: { path: string }[] };
      return json({ files: files.map((file) => ({ path: file.path, uploadMode: isLarge(file.path) ? 'lfs' : 'regular' })) });
    }
    if (path.endsWith('.git/info/lfs/objects/batch')) {
      const { objects } = JSON.parse(body.toString()) as { objects: { oid: string; size: number }[] };
      return json({ transfer: 'basic', objects: objects.map(({ oid, size }) => ({ oid, size, ...(!this.#large.has(oid) && { actions: { upload: { href: `${this.url}/upload/${oid}` } } }) })) });
    }
    if (path.startsWith('/upload/')) {
      this.#large.set(path.slice('/upload/'.length), new Uint8Array(body));
      return json({});
    }
    const [, name = ''] = /^\/api\/models\/([^/]+\/[^/]+)\/commit\/main$/.exec(path) ?? [];
    const lines = body.toString().trim().split('\n').map((line) => JSON.parse(line) as { key: string; value: { path: string; content?: string; oid?: string } });
    const files = new Map(this.repositories.get(name)?.get('main')?.files);
    for (const { key, value } of lines) {
      if (key === 'file') files.set(value.path, new Uint8Array(Buffer.from(value.content ?? '', 'base64')));
      if (key === 'lfsFile') files.set(value.path, this.#large.get(value.oid ?? '')!);
    }
    const sha = createHash('sha1').update(body).digest('hex');
    this.put(name, sha, { files });
    json({ commitOid: sha, commitUrl: `${this.url}/${name}/commit/${sha}`, hookOutput: '' });
  }
}
