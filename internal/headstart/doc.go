// Package headstart puts off the first garbage collection until the heap has 32 MB.
//
// Nothing goes in or out: importing the package is all. The packages that Fairlead is made of allocate
// 6 MB before main begins, nearly all of it for good, and Go collects at 4 MB: a quarter of the CPU time
// of a short command went into looking through what was just made. After the first collection things
// are as usual, so that a process with a large heap is none the larger. GOGC, where it is set, and a
// process that chooses for itself are left alone.
package headstart
