// Package portal serves the pages that are about the systems and not of them: an index, documentation to try each contract
// in, the contracts themselves, health and metrics. It mounts every system again below its own address, so that one port
// is enough behind a proxy and no page needs a second origin.
//
// Its contract:
//
//	/                            the systems, where they are and whether they can serve
//	/docs                        Swagger UI over all contracts; ?urls.primaryName=<title> opens one
//	/specs/<system>/openapi.yaml the contract with its server set to the mount
//	/<system>/…                  the system: the very handler that serves its own port
//	/specs/<system>/asyncapi.yaml its events, with the servers set to the mount
//	/healthz                     200 while the process lives
//	/readyz                      200 once every system can serve, 503 otherwise, JSON that says which
//	/metrics                     Prometheus
//
// Docs puts /docs, /openapi.yaml and /asyncapi.yaml beside a system on its own port. No page calls any other origin, and all run under a
// Content-Security-Policy without inline scripts and without eval. Swagger UI's files come from a Go module.
package portal
