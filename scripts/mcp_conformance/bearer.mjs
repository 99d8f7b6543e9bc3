// Puts the token on every request of the suite that goes to the server: the suite has no option for one.
import diagnostics from "node:diagnostics_channel";

const host = new URL(process.env.MCP_PEER_URL).host;
const bearer = `Bearer ${process.env.MCP_PEER_TOKEN}`;

diagnostics.subscribe("undici:request:create", ({ request }) => {
  if (new URL(request.origin).host === host) request.addHeader("authorization", bearer);
});
diagnostics.subscribe("http.client.request.created", ({ request }) => {
  if (request.getHeader("host") === host) request.setHeader("authorization", bearer);
});
