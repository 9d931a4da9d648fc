// Package api lets other processes of the same user look at a running node and
// act on it: JSON over HTTP on a Unix socket, and its client.
//
//	GET  /v1/status            what the node is, at one glance
//	GET  /v1/peers             every link
//	GET  /v1/peers/closed?max= the links that ended last, newest first
//	GET  /v1/bans              who is refused
//	POST /v1/ban               {"addr", "for", "why"}
//	POST /v1/unban             {"addr"}
//	POST /v1/drop              {"id"}
//	GET  /metrics              Prometheus text
//
// The socket's file mode is the access control. What is not known is null in
// JSON, never zero; nothing is left out, so a reader can rely on every key.
// Fields may be added within v1; none is removed or changes its meaning.
package api
