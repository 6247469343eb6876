// Package baseline starts equal programs in the ways that people know: as plain
// processes, and with bubblewrap, crun, runc and docker. All find their programs
// in the machine's own /usr, and none has a network, so that what is compared is
// how they start and isolate.
package baseline
