/** The check that every test makes of its mock's log would find a secret in it. */
import { expect, test } from "vitest";
import { bugsIn, openMock } from "./mock.ts";
import { register } from "./registrations.ts";

test("a token in the log is found, whichever way it stands there", async () => {
  const mock = await openMock();
  const { exchangeToken, accessToken } = await register(mock);
  const { token } = await mock.identity.getIDToken({ audience: ["me"] });
  await mock.close();
  expect(bugsIn(mock)).toEqual([]);
  const leaks = [
    exchangeToken,
    accessToken.replace("rmock_access_", ""),
    `x ${token} y`,
    "Bearer secret",
  ].map((secret) => JSON.stringify({ level: 20, msg: `a line with ${secret}` }));
  expect(bugsIn({ ...mock, log: [...mock.log, ...leaks] })).toEqual(leaks);
});
