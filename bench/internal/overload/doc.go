// Package overload offers a function ten times as many calls as it can take, and
// looks at what becomes of them, of another function that is called calmly all
// the time, and of the platform afterwards.
package overload
