import { ConatError, toConatError } from "@conat/conat/internal";
import { accountIdentity, type Identity, projectIdentity } from "../scope/identity.ts";
import type { Authenticator, HandshakeRequest } from "./authenticator.ts";

const WHAT_TO_SAY =
  "this hub runs in development mode, where a client says who it is: pass " +
  "identity: { account_id, projects? } or identity: { project_id } to connect()";

/** Believes what the client says. For development on one machine only. */
export class DevelopmentAuthenticator implements Authenticator {
  async authenticate({ hello }: HandshakeRequest): Promise<Identity> {
    const { account_id, project_id, projects } = hello.identity ?? {};
    try {
      if (account_id !== undefined && project_id === undefined) {
        return accountIdentity(account_id, projects);
      }
      if (project_id !== undefined && account_id === undefined && projects === undefined) {
        return projectIdentity(project_id);
      }
    } catch (error) {
      throw new ConatError("unauthenticated", toConatError(error).message, { cause: error });
    }
    throw new ConatError("unauthenticated", WHAT_TO_SAY);
  }
}
