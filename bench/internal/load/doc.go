// Package load puts a server under load and counts what comes back.
//
// A closed loop is a number of clients that call again as soon as they have an
// answer: it finds out how much a server gets done. An open loop calls at times
// that were fixed before, as the world does, and counts the latency from those
// times: a call that was sent late, because all connections were waiting for a
// slow server, counts as slow as it would have been for whoever had made it.
package load
