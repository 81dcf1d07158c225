import type { Mistake } from "./shapes";

/** A refusal of the server, or no answer at all (kind "network"). */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly mistake: Mistake,
  ) {
    super(mistake.message);
  }
}

async function refusalOf(response: Response): Promise<Refusal> {
  const plain: Mistake = { kind: "internal", message: `the server answered ${response.status} ${response.statusText}` };
  try {
    const body = (await response.json()) as { error?: Mistake };
    return new Refusal(response.status, body.error ?? plain);
  } catch {
    return new Refusal(response.status, plain);
  }
}

async function request(path: string, options: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
  } catch (problem) {
    if (problem instanceof DOMException && problem.name === "AbortError") throw problem;
    throw new Refusal(0, { kind: "network", message: "the server does not answer; is argosy web still running?" });
  }
  if (!response.ok) throw await refusalOf(response);
  return response;
}

/** Ask a question; `path` may carry parameters. */
export async function ask<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await request(path, signal ? { signal } : {});
  return (await response.json()) as T;
}

/** Change something; the header tells the server that no other site sent this. */
export async function change<T>(method: "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<T | null> {
  const headers: Record<string, string> = { "X-Argosy": "1" };
  const options: RequestInit = { method, headers };
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const response = await request(path, options);
  return response.status === 204 ? null : ((await response.json()) as T);
}
