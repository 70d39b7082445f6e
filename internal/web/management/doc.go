// Package management serves the management API, /api/v1: what the room of the
// same name decides, over HTTP.
//
// Everything about an operation stands in one row of one table (table.go):
// address, permission, what is read and answered, which refusals there are. From
// that row come the web.Endpoint, the check of the permission before anything is
// read, the decoding, and the operation of the OpenAPI document; a test takes
// its cases from the same rows, so that none can be forgotten. The schemas are
// made from the Go types by huma's registry, and bodies are judged by the same
// schemas: what the document does not name is refused.
//
// The generic parts have a file each: cursor.go (RFC 8288 links), etag.go (RFC
// 9110 §13), once.go (Idempotency-Key), decode.go, document.go (OpenAPI 3.1).
// page.go serves the page that shows the document and tries it.
//
// Start with operation.go.
package management
