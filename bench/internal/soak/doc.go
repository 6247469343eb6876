// Package soak keeps the platform busy for a long time and looks at what grows:
// memory and open files of every process, and whether the instances that the
// platform counts are all in some state.
package soak
