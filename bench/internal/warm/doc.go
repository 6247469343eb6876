// Package warm measures calls that meet an instance which is there already: what
// the platform adds to a call, how many it gets done, and what it uses for one;
// beside plain servers that run the same handler, in the same minutes.
package warm
