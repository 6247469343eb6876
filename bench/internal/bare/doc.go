// Package bare starts the servers that a person might write instead of using
// the platform: one process, no isolation, the handler called from the HTTP
// server of the language. And a reference that does nothing at all, which shows
// what driver and kernel cost.
package bare
