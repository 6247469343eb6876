// Package stats takes samples of how long things last, and says what they show.
// Raw samples are kept: percentiles are values that were really seen.
package stats
