// Package cold measures cold starts: how long they take, how many there are in a
// second, and what an instance costs that waits. Everything is measured in one
// run, the platform and what it is compared with in turns.
package cold
