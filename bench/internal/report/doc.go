// Package report is what the reports of all benchmarks have in common: where
// and how something was measured, tables, aims and what became of them, and
// the forms in which they are shown and kept.
package report
