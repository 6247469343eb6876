// Package echo is the function that is put under load, in each language, and
// what its answers have to be. It gives its event back, so that every answer can
// be told from that of any other call.
package echo
