// How much freed memory glibc and GLib keep for later: little. Viewers come and go on many threads, and what
// each thread, arena and size of block keeps adds up to more than the viewers took.
#pragma once

namespace campaign::server {

// Starts the program again, once, with settings in its environment that are read before main(). `arguments`
// as main() got them. Who sets G_SLICE, or GLIBC_TUNABLES, chooses for themselves. Before there is a second
// thread.
void choose_allocators(char** arguments);

}  // namespace campaign::server
