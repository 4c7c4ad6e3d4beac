// The provider as it describes itself, the client as it is registered there, and requests of both.
import * as oidc from 'openid-client';
import { algorithm, certifying, credential, openAnswers } from './keys.mjs';

/** The provider, with every signature of its answers verified; who is not registered is now. */
export async function met(told) {
  const execute = [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks];
  if (told.jarm) execute.push(oidc.useJwtResponseMode);
  const options = { execute, ...(told.tls && { [oidc.customFetch]: certifying(told.tls) }) };
  const [server, proof] = [new URL(told.issuer), await credential(told)];
  const config = told.registration
    ? await registered(server, told, proof, options)
    : await oidc.discovery(server, told.client_id, told.metadata ?? {}, proof, options);
  if (told.opens) await openAnswers(config, told.opens);
  return config;
}

/** A client that registered itself (RFC 7591), by the answer that it got. */
async function registered(server, { registration, initial }, proof, options) {
  const more = { ...options, initialAccessToken: initial };
  return oidc.dynamicClientRegistration(server, registration, proof, more);
}

/** Where the browser is sent: with the request, a signed one, or a reference to a pushed one. */
export async function address(config, told, asked, options) {
  let built = oidc.buildAuthorizationUrl(config, asked);
  // The client knows one signed mode by itself, and reads the others.
  if (told.mode) built.searchParams.set('response_mode', told.mode);
  if (told.jar) {
    built = await oidc.buildAuthorizationUrlWithJAR(config, asked, await algorithm(told.key));
  }
  if (!told.push) return built;
  const { client_id: _, ...sent } = Object.fromEntries(built.searchParams);
  return oidc.buildAuthorizationUrlWithPAR(config, sent, options);
}
