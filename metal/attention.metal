// attention: softmax(q k^T / sqrt(d)) v without the matrix of all scores. q, out [n][queries]
// [heads][d]; k, v [m][keys][heads][d], m dividing n.
//
// The softmax runs: of each query, the exponents' reference and the sum of exponentials are kept,
// in f32 and to base 2. The reference follows the largest score only when that is more than SLACK
// above it: softmax is the same for any reference as long as nothing overflows, and so the sums are
// seldom rescaled, which then is a product with a diagonal matrix. Source: Milakov and Gimelshein,
// Online normalizer calculation for softmax; Dao et al., FlashAttention.
//
// Keys and values are staged in threadgroup memory, with zeros past the last key and past d, so any
// d and any number of keys will do. Rows there are an odd number of 16-byte (f16) pieces apart, so
// that the eight rows of a matrix fall on different banks.
//
// q and k are multiplied as type T, weights and v as type W. In bf16 W is half: a weight of 8 bits
// would show in the last digit of bf16; a value beyond half's range becomes infinite, which the
// next norm tells.
#include <metal_simdgroup_matrix>

#include "numbers.h"
#include "unroll.h"

constant constexpr float SLACK = 8.0f;
constant constexpr float MASKED = -1e30f;  // finite, so that no inf - inf arises

// Which rows of a tensor of k, v or q a threadgroup stages, and where a head's channels lie there.
struct attention_rows {
  const device uchar *from;
  int format;
  ulong first;     // number at which the first row's channels begin
  ulong stride;    // numbers between rows
  int rows, size;  // rows and channels that are there
};

// Four channels of a row; zeros past the last row and channel.
static inline float4 attention_load4(attention_rows source, int row, int channel) {
  float4 value = float4(0.0f);
  if (row >= source.rows || channel >= source.size) return value;
  const ulong at = source.first + ulong(row) * source.stride + ulong(channel);
  if (source.size % 4 == 0) return load4(source.from, source.format, at);
  for (int i = 0; i < 4; i++)
    if (channel + i < source.size) value[i] = load1(source.from, source.format, at + ulong(i));
  return value;
}

// to [rows][stride] = channels [channel, channel + columns) of rows [row, row + rows); columns and
// stride are multiples of 4. By `threads` threads, of which this is `index`.
template <typename T>
static inline void attention_stage(threadgroup T *to, int stride, int columns, int rows,
                                   attention_rows source, int row, int channel, int index,
                                   int threads) {
  const int quads = columns / 4;
  for (int i = index; i < rows * quads; i += threads) {
    const int r = i / quads, c = i % quads * 4;
    const float4 value = attention_load4(source, row + r, channel + c);
    *(threadgroup vec<T, 4> *)(to + r * stride + c) = vec<T, 4>(value);
  }
}

// The rows of q, k and v that batch row n and a head read, and how many keys count for it.
struct attention_sources {
  attention_rows q, k, v;
  int keys;
};

static inline attention_sources attention_find(constant attention_args &args, const device uchar *q,
                                               const device uchar *k, const device uchar *v,
                                               const device int *key_counts, int n, int head) {
  attention_sources sources;
  const ulong stride = ulong(args.heads) * ulong(args.size);
  const ulong channel = ulong(head) * ulong(args.size);
  const int key_row = n / args.rows_per_key_row;
  sources.keys = args.keys;
  if (args.has_key_counts) sources.keys = min(args.keys, key_counts[key_row]);
  const ulong q_first = ulong(n) * ulong(args.queries) * stride + channel;
  const ulong k_first = ulong(key_row) * ulong(args.keys) * stride + channel;
  sources.q = {q, args.q_format, q_first, stride, args.queries, args.size};
  sources.k = {k, args.k_format, k_first, stride, sources.keys, args.size};
  sources.v = {v, args.v_format, k_first, stride, sources.keys, args.size};
  return sources;
}

// What a lane keeps of its query. Several lanes share a query and hold the same reference, each the
// sum of its own columns.
struct attention_state {
  float reference, sum;
};

// Scores, in place, become exponentials of type T: a row of COLUMNS numbers of this lane, of which
// `visible` are not masked; `shared` neighbouring lanes have the rest of the row. Returns what sums
// so far are to be multiplied by.
template <typename T, int COLUMNS>
static inline float attention_exponentials(threadgroup float *row, threadgroup T *to, int visible,
                                           float scale, ushort shared,
                                           thread attention_state &state) {
  float scores[COLUMNS];
  float largest = MASKED;
  UNROLL
  for (int i = 0; i < COLUMNS; i++) {
    scores[i] = i < visible ? row[i] * scale : MASKED;
    largest = max(largest, scores[i]);
  }
  for (ushort step = 1; step < shared; step *= 2)
    largest = max(largest, simd_shuffle_xor(largest, step));
  float factor = 1.0f;
  if (largest > state.reference + SLACK) {
    factor = precise::exp2(state.reference - largest);
    state.reference = largest;
    state.sum *= factor;
  }
  simdgroup_barrier(mem_flags::mem_threadgroup);  // all have read before one writes
  UNROLL
  for (int i = 0; i < COLUMNS; i++) {
    const T value = T(precise::exp2(scores[i] - state.reference));
    state.sum += float(value);  // as it is used, so that a weight near 1 is not off by its rounding
    to[i] = value;
  }
  return factor;
}

// 1 / the sum of a query, whose lanes have a part each; 0 where there are no keys.
static inline float attention_inverse(float sum, ushort shared) {
  for (ushort step = 1; step < shared; step *= 2) sum += simd_shuffle_xor(sum, step);
  return sum == 0.0f ? 0.0f : 1.0f / sum;
}

// Number of out at which the channels of a query's head begin.
static inline ulong attention_at(constant attention_args &args, int n, int head, int query) {
  const ulong row = ulong(n) * ulong(args.queries) + ulong(query);
  return (row * ulong(args.heads) + ulong(head)) * ulong(args.size);
}

// Channels [channel, channel + COLUMNS) below size of the head at `at`: row[0..COLUMNS) * factor.
template <int COLUMNS>
static inline void attention_store(constant attention_args &args, device uchar *out, ulong at,
                                   int channel, const threadgroup float *row, float factor) {
  for (int i = 0; i < COLUMNS && channel + i < args.size; i += 4) {
    float4 value;
    for (int k = 0; k < 4; k++) value[k] = row[i + k] * factor;
    const ulong to = at + ulong(channel + i);
    if (args.size % 4 == 0) {
      store4(out, args.out_format, to, value);
      continue;
    }
    for (int k = 0; k < 4; k++)
      if (channel + i + k < args.size) store1(out, args.out_format, to + ulong(k), value[k]);
  }
}

template <typename T, int ROWS, int TILES>
struct attention_tiles {
  simdgroup_matrix<T, 8, 8> at[ROWS][TILES];
};

template <int ROWS, int TILES>
static inline void attention_clear(thread attention_tiles<float, ROWS, TILES> &sums) {
  UNROLL
  for (int r = 0; r < ROWS; r++) UNROLL
  for (int t = 0; t < TILES; t++) sums.at[r][t] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
}

// sums[r] *= the factors of its 8 rows, which are the diagonal of the r-th of ROWS matrices.
template <int ROWS, int TILES>
static inline void attention_rescale(thread attention_tiles<float, ROWS, TILES> &sums,
                                     const threadgroup float *diagonals) {
  UNROLL
  for (int r = 0; r < ROWS; r++) {
    simdgroup_float8x8 factors;
    simdgroup_load(factors, diagonals + r * 64, 8);
    UNROLL
    for (int t = 0; t < TILES; t++) simdgroup_multiply(sums.at[r][t], factors, sums.at[r][t]);
  }
}

// sums += weights [8 ROWS][8] values [8][8 TILES].
template <typename T, int ROWS, int TILES>
static inline void attention_accumulate(thread attention_tiles<float, ROWS, TILES> &sums,
                                        const threadgroup T *weights, int weight_stride,
                                        const threadgroup T *values, int stride) {
  simdgroup_matrix<T, 8, 8> weight[ROWS];
  UNROLL
  for (int r = 0; r < ROWS; r++)
    simdgroup_load(weight[r], weights + r * 8 * weight_stride, weight_stride);
  UNROLL
  for (int t = 0; t < TILES; t++) {
    simdgroup_matrix<T, 8, 8> value;
    simdgroup_load(value, values + t * 8, stride);
    UNROLL
    for (int r = 0; r < ROWS; r++)
      simdgroup_multiply_accumulate(sums.at[r][t], weight[r], value, sums.at[r][t]);
  }
}

// Stores COUNT tiles of the 8 rows of sums, from tile `first` on, row-major.
template <int ROWS, int TILES, int COUNT>
static inline void attention_spill(threadgroup float *to, int stride,
                                   const thread attention_tiles<float, ROWS, TILES> &sums, int row,
                                   int first) {
  UNROLL
  for (int t = 0; t < COUNT; t++)
    if (first + t < TILES) simdgroup_store(sums.at[row][first + t], to + t * 8, stride);
}

// ---- d up to 160 ----

// scores [8 ROWS][KEYS] = q k^T, not yet scaled: q in registers, keys [KEYS][key_stride] staged.
template <typename T, int ROWS, int TILES, int KEYS>
static inline void attention_score(threadgroup float *scores, int stride,
                                   const thread attention_tiles<T, ROWS, TILES> &queries,
                                   const threadgroup T *keys, int key_stride) {
  for (int j = 0; j < KEYS / 8; j++) {
    attention_tiles<float, ROWS, 1> score;
    attention_clear(score);
    UNROLL
    for (int t = 0; t < TILES; t++) {
      simdgroup_matrix<T, 8, 8> tile;
      simdgroup_load(tile, keys + j * 8 * key_stride + t * 8, key_stride, ulong2(0, 0), true);
      UNROLL
      for (int r = 0; r < ROWS; r++)
        simdgroup_multiply_accumulate(score.at[r][0], queries.at[r][t], tile, score.at[r][0]);
    }
    UNROLL
    for (int r = 0; r < ROWS; r++)
      attention_spill<ROWS, 1, 1>(scores + r * 8 * stride + j * 8, stride, score, r, 0);
  }
}

// out = sums * factor for the query of a lane: tiles go through the room of the scores, KEYS
// channels at a time.
template <int ROWS, int TILES, int KEYS>
static inline void attention_write(constant attention_args &args, device uchar *out,
                                   threadgroup float *room, int stride,
                                   const thread attention_tiles<float, ROWS, TILES> &sums,
                                   float factor, int n, int head, int query, ushort lane) {
  constexpr int SHARED = 4 / ROWS, COLUMNS = KEYS / SHARED;
  const int row = lane / SHARED, column = lane % SHARED * COLUMNS;
  const ulong at = attention_at(args, n, head, query);
  UNROLL
  for (int first = 0; first < TILES; first += KEYS / 8) {
    simdgroup_barrier(mem_flags::mem_threadgroup);
    UNROLL
    for (int r = 0; r < ROWS; r++)
      attention_spill<ROWS, TILES, KEYS / 8>(room + r * 8 * stride, stride, sums, r, first);
    simdgroup_barrier(mem_flags::mem_threadgroup);
    if (query < args.queries)
      attention_store<COLUMNS>(args, out, at, first * 8 + column, room + row * stride + column,
                               factor);
  }
}

// Grid (blocks of queries, heads, n). One threadgroup: 4 simdgroups of 8 ROWS queries each, whose q
// and sums stay in registers; keys in blocks of KEYS, staged once for all four. d at most 8 TILES.
template <typename T, typename W, int TILES, int ROWS, int KEYS>
kernel void attention(constant attention_args &args [[buffer(0)]], device uchar *out [[buffer(1)]],
                      const device uchar *q [[buffer(2)]], const device uchar *k [[buffer(3)]],
                      const device uchar *v [[buffer(4)]],
                      const device int *key_counts [[buffer(5)]],
                      uint3 group [[threadgroup_position_in_grid]],
                      ushort thread_index [[thread_index_in_threadgroup]],
                      ushort simd_group [[simdgroup_index_in_threadgroup]],
                      ushort lane [[thread_index_in_simdgroup]]) {
  constexpr int STRIDE = 8 * (TILES | 1), WIDTH = KEYS + 4;  // of staged rows and of scores
  constexpr int WEIGHT_WIDTH = WIDTH * int(sizeof(float) / sizeof(W));
  constexpr int QUERIES = 8 * ROWS, SHARED = 32 / QUERIES, COLUMNS = KEYS / SHARED;
  threadgroup vec<T, 4> staged[2 * KEYS * STRIDE / 4];
  threadgroup float scores[4 * QUERIES * WIDTH];
  threadgroup float diagonals[4 * ROWS * 64];
  threadgroup T *keys = (threadgroup T *)staged;
  threadgroup W *values = (threadgroup W *)keys + KEYS * STRIDE;
  threadgroup float *own_scores = scores + simd_group * QUERIES * WIDTH;
  threadgroup W *weights = (threadgroup W *)own_scores;
  threadgroup float *diagonal = diagonals + simd_group * ROWS * 64;

  const int n = int(group.z), head = int(group.y);
  const attention_sources sources = attention_find(args, q, k, v, key_counts, n, head);
  const int block = args.query_first + int(group.x) * 4 * QUERIES;
  const int row = lane / SHARED, column = lane % SHARED * COLUMNS;  // of the scores
  const int query = block + simd_group * QUERIES + row;

  attention_stage<T>(keys, STRIDE, 8 * TILES, 4 * QUERIES, sources.q, block, 0, thread_index, 128);
  for (int i = lane; i < ROWS * 64; i += 32) diagonal[i] = 0.0f;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  attention_tiles<T, ROWS, TILES> queries;
  UNROLL
  for (int r = 0; r < ROWS; r++) UNROLL
  for (int t = 0; t < TILES; t++)
    simdgroup_load(queries.at[r][t], keys + (simd_group * QUERIES + r * 8) * STRIDE + t * 8,
                   STRIDE);
  attention_tiles<float, ROWS, TILES> sums;
  attention_clear(sums);
  attention_state state = {MASKED, 0.0f};

  int visible = sources.keys, last_key = sources.keys;
  if (args.is_causal) visible = min(visible, query + 1);
  if (args.is_causal) last_key = min(last_key, block + 4 * QUERIES);
  for (int key = 0; key < last_key; key += KEYS) {
    threadgroup_barrier(mem_flags::mem_threadgroup);
    attention_stage<T>(keys, STRIDE, 8 * TILES, KEYS, sources.k, key, 0, thread_index, 128);
    attention_stage<W>(values, STRIDE, 8 * TILES, KEYS, sources.v, key, 0, thread_index, 128);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    attention_score<T, ROWS, TILES, KEYS>(own_scores, WIDTH, queries, keys, STRIDE);
    simdgroup_barrier(mem_flags::mem_threadgroup);
    const float factor = attention_exponentials<W, COLUMNS>(
        own_scores + row * WIDTH + column, weights + row * WEIGHT_WIDTH + column,
        visible - key - column, args.scale, SHARED, state);
    if (column == 0) diagonal[row / 8 * 64 + row % 8 * 9] = factor;
    simdgroup_barrier(mem_flags::mem_threadgroup);
    if (simd_any(factor != 1.0f)) attention_rescale(sums, diagonal);
    for (int j = 0; j < KEYS / 8; j++)
      attention_accumulate<W, ROWS, TILES>(sums, weights + j * 8, WEIGHT_WIDTH,
                                           values + j * 8 * STRIDE, STRIDE);
  }
  attention_write<ROWS, TILES, KEYS>(args, out, own_scores, WIDTH, sums,
                                     attention_inverse(state.sum, SHARED), n, head, query, lane);
}

#ifndef STORAGE_BF16
template [[host_name("attention_f16_40")]] [[kernel]] decltype(attention<half, half, 5, 2, 32>)
    attention<half, half, 5, 2, 32>;
template [[host_name("attention_f16_64")]] [[kernel]] decltype(attention<half, half, 8, 2, 32>)
    attention<half, half, 8, 2, 32>;
template [[host_name("attention_f16_80")]] [[kernel]] decltype(attention<half, half, 10, 2, 32>)
    attention<half, half, 10, 2, 32>;
template [[host_name("attention_f16_160")]] [[kernel]] decltype(attention<half, half, 20, 1, 32>)
    attention<half, half, 20, 1, 32>;
template [[host_name("attention_f32_40")]] [[kernel]] decltype(attention<float, float, 5, 1, 16>)
    attention<float, float, 5, 1, 16>;
template [[host_name("attention_f32_64")]] [[kernel]] decltype(attention<float, float, 8, 1, 16>)
    attention<float, float, 8, 1, 16>;
template [[host_name("attention_f32_80")]] [[kernel]] decltype(attention<float, float, 10, 1, 16>)
    attention<float, float, 10, 1, 16>;
template [[host_name("attention_f32_160")]] [[kernel]] decltype(attention<float, float, 20, 1, 16>)
    attention<float, float, 20, 1, 16>;
#endif

// ---- any d ----

constant constexpr int WIDE_KEYS = 64, WIDE_WIDTH = WIDE_KEYS + 4, WIDE_GROUPS = 8;
constant constexpr int WIDE_COLUMNS = ATTENTION_WIDE_COLUMNS / WIDE_GROUPS;  // of a simdgroup

// scores [32][64] = q k^T over all of d, in chunks of q and k that fit in `staged`. A simdgroup
// makes 16 x 16 of them.
template <typename T, int CHUNK>
static inline void attention_wide_score(threadgroup float *scores, threadgroup T *staged,
                                        attention_sources sources, int query, int key,
                                        ushort thread_index, ushort simd_group) {
  constexpr int STRIDE = CHUNK + 8;
  threadgroup T *keys = staged + ATTENTION_WIDE_QUERIES * STRIDE;
  const int row = simd_group / 4 * 16, column = simd_group % 4 * 16;
  attention_tiles<float, 2, 2> score;
  attention_clear(score);
  for (int channel = 0; channel < sources.q.size; channel += CHUNK) {
    threadgroup_barrier(mem_flags::mem_threadgroup);
    attention_stage<T>(staged, STRIDE, CHUNK, ATTENTION_WIDE_QUERIES, sources.q, query, channel,
                       thread_index, ATTENTION_WIDE_THREADS);
    attention_stage<T>(keys, STRIDE, CHUNK, WIDE_KEYS, sources.k, key, channel, thread_index,
                       ATTENTION_WIDE_THREADS);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (int c = 0; c < CHUNK; c += 8) {
      simdgroup_matrix<T, 8, 8> left[2], right[2];
      UNROLL
      for (int i = 0; i < 2; i++) {
        simdgroup_load(left[i], staged + (row + i * 8) * STRIDE + c, STRIDE);
        simdgroup_load(right[i], keys + (column + i * 8) * STRIDE + c, STRIDE, ulong2(0, 0), true);
      }
      UNROLL
      for (int i = 0; i < 4; i++)
        simdgroup_multiply_accumulate(score.at[i / 2][i % 2], left[i / 2], right[i % 2],
                                      score.at[i / 2][i % 2]);
    }
  }
  UNROLL
  for (int r = 0; r < 2; r++)
    attention_spill<2, 2, 2>(scores + (row + r * 8) * WIDE_WIDTH + column, WIDE_WIDTH, score, r, 0);
}

// sums of a simdgroup's channels += weights [32][64] v, 8 keys and CHUNK channels at a time.
template <typename T, int CHUNK, int PARTS>
static inline void attention_wide_attend(thread attention_tiles<float, 4, CHUNK / 8> *sums,
                                         attention_rows v, const threadgroup T *weights,
                                         const threadgroup float *diagonals,
                                         const threadgroup int *moved, threadgroup T *own_chunk,
                                         int key, int channel, ushort lane) {
  constexpr int STRIDE = CHUNK + 8, WEIGHT_WIDTH = WIDE_WIDTH * int(sizeof(float) / sizeof(T));
  if (channel >= v.size) return;
  int any_moved = 0;
  for (int i = 0; i < WIDE_GROUPS; i++) any_moved |= moved[i];
  UNROLL
  for (int part = 0; part < PARTS; part++) {
    if (any_moved) attention_rescale(sums[part], diagonals);
    for (int j = 0; j < WIDE_KEYS; j += 8) {
      simdgroup_barrier(mem_flags::mem_threadgroup);
      attention_stage<T>(own_chunk, STRIDE, CHUNK, 8, v, key + j, channel + part * CHUNK, lane, 32);
      simdgroup_barrier(mem_flags::mem_threadgroup);
      attention_accumulate<T, 4, CHUNK / 8>(sums[part], weights + j, WEIGHT_WIDTH, own_chunk,
                                            STRIDE);
    }
  }
}

// out = sums * the inverse of each query, through the simdgroup's room for 8 queries of 32
// channels.
template <typename T, int CHUNK, int PARTS>
static inline void attention_wide_write(constant attention_args &args, device uchar *out,
                                        threadgroup float *room,
                                        const thread attention_tiles<float, 4, CHUNK / 8> *sums,
                                        const threadgroup float *inverses, int n, int head,
                                        int block, int channel, ushort lane) {
  constexpr int STRIDE = 36;
  const int row = lane / 4, column = lane % 4 * 8;
  UNROLL
  for (int part = 0; part < PARTS; part++) UNROLL
  for (int i = 0; i < 4 * (CHUNK / 32); i++) {
    const int r = i % 4, first = i / 4 * 4;
    simdgroup_barrier(mem_flags::mem_threadgroup);
    attention_spill<4, CHUNK / 8, 4>(room, STRIDE, sums[part], r, first);
    simdgroup_barrier(mem_flags::mem_threadgroup);
    const int query = block + r * 8 + row;
    if (query < args.queries)
      attention_store<8>(args, out, attention_at(args, n, head, query),
                         channel + part * CHUNK + first * 8 + column, room + row * STRIDE + column,
                         inverses[r * 8 + row]);
  }
}

// Grid (blocks of 32 queries, heads x slices of 512 output channels, n). One threadgroup: 8
// simdgroups, which share the scores of a block of 64 keys and have the sums of 64 channels each in
// registers: so no product is made twice, and nothing but chunks of k, v and q is staged.
template <typename T, typename W, int CHUNK>
kernel void attention_wide(constant attention_args &args [[buffer(0)]],
                           device uchar *out [[buffer(1)]], const device uchar *q [[buffer(2)]],
                           const device uchar *k [[buffer(3)]], const device uchar *v [[buffer(4)]],
                           const device int *key_counts [[buffer(5)]],
                           uint3 group [[threadgroup_position_in_grid]],
                           ushort thread_index [[thread_index_in_threadgroup]],
                           ushort simd_group [[simdgroup_index_in_threadgroup]],
                           ushort lane [[thread_index_in_simdgroup]]) {
  constexpr int STRIDE = CHUNK + 8, PARTS = WIDE_COLUMNS / CHUNK, TILES = CHUNK / 8;
  constexpr int WEIGHT_WIDTH = WIDE_WIDTH * int(sizeof(float) / sizeof(W)), SHARED = 8;
  threadgroup vec<T, 4> staged[(ATTENTION_WIDE_QUERIES + WIDE_KEYS) * STRIDE / 4];
  threadgroup float scores[ATTENTION_WIDE_QUERIES * WIDE_WIDTH];
  threadgroup float diagonals[4 * 64];
  threadgroup int moved[WIDE_GROUPS];
  threadgroup float inverses[ATTENTION_WIDE_QUERIES];
  threadgroup T *chunk = (threadgroup T *)staged;
  threadgroup W *own_chunk = (threadgroup W *)chunk + simd_group * 8 * STRIDE;
  threadgroup W *weights = (threadgroup W *)scores;

  const int n = int(group.z), head = int(group.y) % args.heads;
  const attention_sources sources = attention_find(args, q, k, v, key_counts, n, head);
  const int block = args.query_first + int(group.x) * ATTENTION_WIDE_QUERIES;
  const int channel = (int(group.y) / args.heads * WIDE_GROUPS + simd_group) * WIDE_COLUMNS;
  const int row = thread_index / SHARED, column = thread_index % SHARED * (WIDE_KEYS / SHARED);
  diagonals[thread_index] = 0.0f;
  attention_tiles<float, 4, TILES> sums[PARTS];
  UNROLL
  for (int part = 0; part < PARTS; part++) attention_clear(sums[part]);
  attention_state state = {MASKED, 0.0f};

  int visible = sources.keys, last_key = sources.keys;
  if (args.is_causal) visible = min(visible, block + row + 1);
  if (args.is_causal) last_key = min(last_key, block + ATTENTION_WIDE_QUERIES);
  for (int key = 0; key < last_key; key += WIDE_KEYS) {
    attention_wide_score<T, CHUNK>(scores, chunk, sources, block, key, thread_index, simd_group);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const float factor = attention_exponentials<W, WIDE_KEYS / SHARED>(
        scores + row * WIDE_WIDTH + column, weights + row * WEIGHT_WIDTH + column,
        visible - key - column, args.scale, SHARED, state);
    if (column == 0) diagonals[row / 8 * 64 + row % 8 * 9] = factor;
    const bool any_moved = simd_any(factor != 1.0f);
    if (lane == 0) moved[simd_group] = any_moved;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    attention_wide_attend<W, CHUNK, PARTS>(sums, sources.v, weights, diagonals, moved, own_chunk,
                                           key, channel, lane);
  }
  const float inverse = attention_inverse(state.sum, SHARED);
  if (column == 0) inverses[row] = inverse;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  attention_wide_write<W, CHUNK, PARTS>(args, out, (threadgroup float *)own_chunk, sums, inverses,
                                        n, head, block, channel, lane);
}

#ifndef STORAGE_BF16
template [[host_name("attention_f16_wide")]] [[kernel]] decltype(attention_wide<half, half, 64>)
    attention_wide<half, half, 64>;
template [[host_name("attention_f32_wide")]] [[kernel]] decltype(attention_wide<float, float, 32>)
    attention_wide<float, float, 32>;
#endif
