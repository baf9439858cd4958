// Generated from the contract by spec/typescript.mjs. DO NOT EDIT.

import createClient, { type Client, type ClientOptions, type Middleware } from "openapi-fetch";
import type { components, paths } from "./openapi.js";

export type { components, operations, paths } from "./openapi.js";

/** The contract's messages by name: Schemas["Error"]. */
export type Schemas = components["schemas"];

/** Options of {@link create}: those of openapi-fetch, and where the bearer token comes from. */
export interface Options extends ClientOptions {
  /** Called before each request; answers the token to send, or undefined for none. */
  token?: () => string | undefined | Promise<string | undefined>;
}

/** A typed client of reunion; baseUrl is the system's own address or its mount under the portal. */
export function create({ token, ...options }: Options): Client<paths> {
  const client = createClient<paths>(options);
  if (token) {
    const bearer: Middleware = {
      async onRequest({ request }) {
        const value = await token();
        if (value) request.headers.set("Authorization", `Bearer ${value}`);
        return request;
      },
    };
    client.use(bearer);
  }
  return client;
}
