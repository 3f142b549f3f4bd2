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

/* How numbers are stored, by the numbers of `sd_dtype` in engine.h. */
enum {
  KERNEL_F32 = 0,
  KERNEL_F16 = 1,
  KERNEL_BF16 = 2,
  KERNEL_F8_E4M3 = 3,
  KERNEL_F8_E5M2 = 4,
  KERNEL_I32 = 5,
  KERNEL_Q4_0 = 6, /* blocks of 32 from here on */
  KERNEL_Q4_1 = 7,
  KERNEL_Q5_0 = 8,
  KERNEL_Q5_1 = 9,
  KERNEL_Q8_0 = 10,
  KERNEL_Q2_K = 11, /* blocks of 256 from here on */
  KERNEL_Q3_K = 12,
  KERNEL_Q4_K = 13,
  KERNEL_Q5_K = 14,
  KERNEL_Q6_K = 15
};

/* Sizes that kernels and encoders must agree on. */
enum {
  KERNEL_LANES = 32,
  ELEMENTWISE_THREADS = 256,
  ELEMENTWISE_NUMBERS = 8, /* of one thread */
  NORM_THREADS = 256,
  LAYER_NORM_HELD = 1280, /* channels that fit in a simdgroup's registers */
  TIMESTEP_FREQUENCIES = 1000,
  ATTENTION_THREADS = 128,
  ATTENTION_WIDE_THREADS = 256,
  ATTENTION_WIDE_QUERIES = 32,
  ATTENTION_WIDE_COLUMNS = 512 /* of the output, of one threadgroup */
};

/* elementwise: add, activation, cast. */
typedef struct elementwise_args {
  long row_numbers;                   /* of one row of the batch, or of all */
  int x_format, y_format, out_format; /* f32 or f16 */
  int has_y, y_is_shared;             /* shared: the same row of y for every row of x */
  int act;
} elementwise_args;

typedef struct arange_args {
  float start, step;
  int count, format; /* f32, f16 or i32 */
} arange_args;

typedef struct latent_rgb_args {
  long pixels;
  int channels, x_format;
} latent_rgb_args;

typedef struct timestep_args {
  int rows, half_width; /* rows of [half_width cosines | half_width sines] */
  int first, count;     /* frequencies of this dispatch */
  int format;
  unsigned int turns[TIMESTEP_FREQUENCIES]; /* turns a unit of time, in 2^-32 turns */
} timestep_args;

typedef struct embedding_args {
  int channels, table_format, out_format;
  int table_rows, extra_rows; /* ids from table_rows on read the extra rows, which are f32 */
} embedding_args;

typedef struct layer_norm_args {
  long rows;
  int channels, x_format, out_format;
  int node; /* what goes to the flag if a row is not finite */
  float eps;
} layer_norm_args;

/* group_norm_sum and group_norm_apply. x and y are joined along channels. */
typedef struct group_norm_args {
  int pixels, channels, x_channels;      /* of one row of the batch; of the join; of x */
  int group_channels, groups;            /* of one group; groups in all */
  int block_groups;                      /* groups of one threadgroup */
  int splits, split_pixels, item_pixels; /* pixels of a sum; pixels of an application */
  int x_format, y_format, out_format;
  int by_quads; /* 1: channels of x, y and blocks are multiples of 4 */
  int act;      /* none or SiLU */
  int node;     /* what goes to the flag if a group is not finite */
  float eps;
} group_norm_args;

typedef struct attention_args {
  int heads, size;      /* size: channels of a head */
  int queries, keys;    /* of one row of the batch */
  int query_first;      /* first query of this dispatch */
  int rows_per_key_row; /* rows of q that read the same row of k and v */
  int is_causal, has_key_counts;
  int q_format, k_format, v_format, out_format;
  float scale; /* log2(e) / sqrt(size): exponents are of 2 */
} attention_args;

/* unpack: a weight of a file to the order and format of the kernels. */
typedef struct unpack_args {
  int format;         /* of the file */
  int rows, in, taps; /* [rows][in][taps] in the file */
  int is_geglu;       /* rows: [values | gates] to groups of 8 values, 8 gates */
  int out_format;     /* f16 for matrices, f32 for vectors */
} unpack_args;

typedef struct copy_args {
  long bytes;
} copy_args;

#endif
