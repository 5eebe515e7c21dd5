/** Whether calls need a bearer token: with `open`, whoever has none acts as the default user. */
export const authModes = ["open", "required"] as const;
export type AuthMode = (typeof authModes)[number];
