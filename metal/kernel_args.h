/* kernel_args: what a dispatch tells its kernel: argument structs and numbers that C and MSL share.
 * Plain C that MSL reads too: int and float are 32 bits, long is 64. Knows no operator. */
#ifndef KERNEL_ARGS_H
#define KERNEL_ARGS_H

/* Activations, in the order of `activation` in graph/ops.h. */
enum {
  KERNEL_ACT_NONE = 0,
  KERNEL_ACT_SILU = 1,
  KERNEL_ACT_GELU = 2,
  KERNEL_ACT_QUICK_GELU = 3,
  KERNEL_ACT_RELU = 4,
  KERNEL_ACT_TANH3 = 5,
  KERNEL_ACT_GEGLU = 6
};

#endif
