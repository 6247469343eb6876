// Package platform starts the platform as its users do, and talks to it.
package platform
