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

/* matrix.metal, tensor.metal: linear and conv2d as one product. A number that says whether an input
 * is there is 0 where it is not; the input must then not be read. */
typedef struct matrix_args {
  int row_first, row_end; /* output pixels of the dispatch; out and residual begin at row_first */
  int columns;            /* channels of out; GEGLU: half as many as rows of the weight */
  int weight_rows;
  int x_channels, y_channels; /* y_channels 0: one source */
  int is_wide;                /* both are multiples of 8: a slab is 32 channels of one tap */
  int side;                   /* of the taps: 1 to 3 */
  int stride, pad, upsample;
  int in_h, in_w, out_h, out_w;
  int is_phased;        /* see matrix.metal; out_h and out_w are then those of one phase */
  int slabs, slices;    /* of K; slices > 1: out takes partial sums in f32 */
  int is_columns_first; /* group.x counts column tiles, group.y row tiles; else the reverse */
  int act;
  int has_bias, has_residual;
  int channel_adds; /* pictures of channel_add */
} matrix_args;

/* matrix_reduce: partial sums [slices][partial_rows][partial_columns] f32 to out. */
typedef struct matrix_reduce_args {
  matrix_args matrix;
  int partial_rows, partial_columns;
} matrix_reduce_args;

/* matrix_presum: weights [columns][3][3][channels] f16 to [4][columns][2][2][channels]. */
typedef struct matrix_presum_args {
  int columns, channels; /* channels: a multiple of 4 */
} matrix_presum_args;

#endif
