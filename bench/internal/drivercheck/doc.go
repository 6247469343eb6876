// Package drivercheck checks the load driver itself: beside wrk, against the
// same server, in turns.
package drivercheck
