// unroll: before a loop with constant bounds over matrices in registers: only an index that the
// compiler knows keeps them there.
#ifndef UNROLL_H
#define UNROLL_H

#define UNROLL _Pragma("clang loop unroll(full)")

#endif
