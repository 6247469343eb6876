// Package scaling calls a function at rates that change, under two settings of
// the scaler one after the other, and looks at how its instances follow.
package scaling
