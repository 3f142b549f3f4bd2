// norm: layer norm and group norm. Statistics in f32, measured from a center, which is a number of
// the row or group itself, so that a large mean hides no small deviation. The output is
// (x - center) * by + to: a product keeps a compiler from putting center and mean together.
#include "math.h"
#include "numbers.h"
#include "reduce.h"
#include "unroll.h"

constant constexpr int LAYER_NORM_QUADS = LAYER_NORM_HELD / 4 / KERNEL_LANES;

// out = (x - mean) / sqrt(variance + eps) * scale + shift for each row of channels; both [rows]
// [channels]. One simdgroup: one row, held in registers; channels at most LAYER_NORM_HELD and a
// multiple of 4. The variance is taken in a second pass over the registers.
kernel void layer_norm(constant layer_norm_args &args [[buffer(0)]],
                       device uchar *out [[buffer(1)]], const device uchar *x [[buffer(2)]],
                       const device uchar *scale [[buffer(3)]],
                       const device uchar *shift [[buffer(4)]],
                       device atomic_int *bad_node [[buffer(5)]],
                       uint3 group [[threadgroup_position_in_grid]],
                       uint thread_index [[thread_index_in_threadgroup]]) {
  const long row = long(group.x) * (NORM_THREADS / KERNEL_LANES) + thread_index / KERNEL_LANES;
  if (row >= args.rows) return;
  const int lane = int(thread_index % KERNEL_LANES), quads = args.channels / 4;
  const ulong first = ulong(row) * ulong(args.channels);
  const float center = load1(x, args.x_format, first), count = float(args.channels);
  float4 held[LAYER_NORM_QUADS];
  float sum = 0.0f;
  uint bad = 0;
  UNROLL
  for (int i = 0; i < LAYER_NORM_QUADS; i++) {
    const int quad = i * KERNEL_LANES + lane;
    held[i] = float4(0.0f);
    if (quad < quads)
      held[i] = load4_watched(x, args.x_format, first + ulong(quad) * 4, bad) - center;
    sum += held[i].x + held[i].y + held[i].z + held[i].w;
  }
  if (bad) atomic_fetch_min_explicit(bad_node, args.node, memory_order_relaxed);
  const float mean = simd_sum(sum) / count;
  float squares = 0.0f;
  UNROLL
  for (int i = 0; i < LAYER_NORM_QUADS; i++) {
    const float4 distance = held[i] - mean;
    if (i * KERNEL_LANES + lane < quads) squares += dot(distance, distance);
  }
  const float factor = precise::rsqrt(simd_sum(squares) / count + args.eps);
  UNROLL
  for (int i = 0; i < LAYER_NORM_QUADS; i++) {
    const int quad = i * KERNEL_LANES + lane;
    if (quad >= quads) continue;
    const float4 by = load4(scale, KERNEL_F32, ulong(quad) * 4) * factor;
    const float4 to = load4(shift, KERNEL_F32, ulong(quad) * 4) - mean * by;
    store4(out, args.out_format, first + ulong(quad) * 4, held[i] * by + to);
  }
}

// The same for any number of channels: each pass reads the row again. One simdgroup: one row.
kernel void layer_norm_any(constant layer_norm_args &args [[buffer(0)]],
                           device uchar *out [[buffer(1)]], const device uchar *x [[buffer(2)]],
                           const device float *scale [[buffer(3)]],
                           const device float *shift [[buffer(4)]],
                           device atomic_int *bad_node [[buffer(5)]],
                           uint3 group [[threadgroup_position_in_grid]],
                           uint thread_index [[thread_index_in_threadgroup]]) {
  const long row = long(group.x) * (NORM_THREADS / KERNEL_LANES) + thread_index / KERNEL_LANES;
  if (row >= args.rows) return;
  const int lane = int(thread_index % KERNEL_LANES);
  const ulong first = ulong(row) * ulong(args.channels);
  const float center = load1(x, args.x_format, first), count = float(args.channels);
  float sum = 0.0f, squares = 0.0f;
  uint bad = 0;
  for (int c = lane; c < args.channels; c += KERNEL_LANES)
    sum += load1_watched(x, args.x_format, first + ulong(c), bad) - center;
  if (bad) atomic_fetch_min_explicit(bad_node, args.node, memory_order_relaxed);
  const float mean = simd_sum(sum) / count;
  for (int c = lane; c < args.channels; c += KERNEL_LANES) {
    const float distance = load1(x, args.x_format, first + ulong(c)) - center - mean;
    squares += distance * distance;
  }
  const float factor = precise::rsqrt(simd_sum(squares) / count + args.eps);
  for (int c = lane; c < args.channels; c += KERNEL_LANES) {
    const float distance = load1(x, args.x_format, first + ulong(c)) - center;
    const float by = factor * scale[c], to = shift[c] - mean * by;
    store1(out, args.out_format, first + ulong(c), distance * by + to);
  }
}

// ---- group norm ----
//
// A threadgroup takes a block of whole groups, 64 channels or more, so that a simdgroup's reads lie
// together though the channels of one group are few. Its threads stand as [rows][columns]: a column
// is 4 neighbouring channels, a row every rows-th pixel. A channel is asked for by its place in the
// join of x and y, so groups may straddle the two.

struct group_norm_block {
  int first, channels;  // channels of the join that the block has
  int columns, rows;    // of threads
  int column, row;      // of this thread; row >= rows: idle
};

static inline group_norm_block group_norm_place(constant group_norm_args &args, uint index,
                                                uint thread_index) {
  group_norm_block block;
  block.first = int(index) * args.block_groups * args.group_channels;
  block.channels = min(args.block_groups * args.group_channels, args.channels - block.first);
  block.columns = min((block.channels + 3) / 4, int(NORM_THREADS));
  block.rows = NORM_THREADS / block.columns;
  block.column = int(thread_index) % block.columns;
  block.row = int(thread_index) / block.columns;
  return block;
}

static inline float group_norm_load(constant group_norm_args &args, const device uchar *x,
                                    const device uchar *y, ulong pixel, int channel,
                                    thread uint &bad) {
  const int y_channels = args.channels - args.x_channels, y_channel = channel - args.x_channels;
  if (y_channel >= 0)
    return load1_watched(y, args.y_format, pixel * ulong(y_channels) + ulong(y_channel), bad);
  return load1_watched(x, args.x_format, pixel * ulong(args.x_channels) + ulong(channel), bad);
}

// Channels [channel, channel + 4) of a pixel; those from `end` on are 0.
static inline float4 group_norm_load4(constant group_norm_args &args, const device uchar *x,
                                      const device uchar *y, ulong pixel, int channel, int end,
                                      thread uint &bad) {
  const int y_channels = args.channels - args.x_channels, y_channel = channel - args.x_channels;
  if (args.by_quads && y_channel >= 0)
    return load4_watched(y, args.y_format, pixel * ulong(y_channels) + ulong(y_channel), bad);
  if (args.by_quads)
    return load4_watched(x, args.x_format, pixel * ulong(args.x_channels) + ulong(channel), bad);
  float4 value = float4(0.0f);
  for (int i = 0; i < 4; i++)
    if (channel + i < end) value[i] = group_norm_load(args, x, y, pixel, channel + i, bad);
  return value;
}

// What the numbers of a group are measured from: its first.
static inline float group_norm_center(constant group_norm_args &args, const device uchar *x,
                                      const device uchar *y, int n, int group) {
  uint unread = 0;
  const ulong pixel = ulong(n) * ulong(args.pixels);
  return group_norm_load(args, x, y, pixel, group * args.group_channels, unread);
}

// Moments of this thread's pixels for each of its 4 channels; with more columns than threads the
// block is one group, and the moments are of all its channels. Sums are of distances from the
// thread's first number, given back as distances from the group's center. bad becomes other than 0
// where a number is not finite.
static inline void group_norm_gather(constant group_norm_args &args, const device uchar *x,
                                     const device uchar *y, group_norm_block block, int n,
                                     int split, thread moments *own, thread uint &bad) {
  const int first = split * args.split_pixels;
  const int end = min(first + args.split_pixels, args.pixels);
  const int last_channel = block.first + block.channels;
  const ulong row = ulong(n) * ulong(args.pixels);
  const int own_channel = block.first + block.column * 4;
  const float4 center = group_norm_load4(args, x, y, row + ulong(min(first + block.row, end - 1)),
                                         own_channel, last_channel, bad);
  float4 sum = float4(0.0f), squares = float4(0.0f), count = float4(0.0f);
  for (int channel = own_channel; channel < last_channel; channel += block.columns * 4) {
    float4 is_there;
    for (int i = 0; i < 4; i++) is_there[i] = channel + i < last_channel ? 1.0f : 0.0f;
    for (int pixel = first + block.row; pixel < end; pixel += block.rows) {
      const float4 value =
          group_norm_load4(args, x, y, row + ulong(pixel), channel, last_channel, bad);
      const float4 distance = (value - center) * is_there;
      sum += distance;
      squares += distance * distance;
      count += is_there;
    }
  }
  for (int i = 0; i < 4; i++) {
    const int group = min(own_channel + i, last_channel - 1) / args.group_channels;
    const float share = count[i] > 0.0f ? 1.0f / count[i] : 0.0f;
    const float distance = center[i] - group_norm_center(args, x, y, n, group);
    own[i].count = count[i];
    own[i].mean = fma(sum[i], share, distance);
    own[i].squares = squares[i] - sum[i] * sum[i] * share;
  }
}

// partials [n][splits][groups] = mean (from the group's center) and sum of squares of the split's
// numbers. Grid (blocks of groups, splits, n). One threadgroup: the pixels of a split in the
// channels of a block.
kernel void group_norm_sum(constant group_norm_args &args [[buffer(0)]],
                           device float2 *partials [[buffer(1)]],
                           const device uchar *x [[buffer(2)]], const device uchar *y [[buffer(3)]],
                           device atomic_int *bad_node [[buffer(4)]],
                           uint3 group [[threadgroup_position_in_grid]],
                           uint thread_index [[thread_index_in_threadgroup]]) {
  threadgroup float counts[NORM_THREADS * 4];
  threadgroup float means[NORM_THREADS * 4];
  threadgroup float squares[NORM_THREADS * 4];
  const group_norm_block block = group_norm_place(args, group.x, thread_index);
  if (block.row < block.rows) {
    moments own[4];
    uint bad = 0;
    group_norm_gather(args, x, y, block, int(group.z), int(group.y), own, bad);
    if (bad) atomic_fetch_min_explicit(bad_node, args.node, memory_order_relaxed);
    for (int i = 0; i < 4; i++) {
      counts[thread_index * 4 + i] = own[i].count;
      means[thread_index * 4 + i] = own[i].mean;
      squares[thread_index * 4 + i] = own[i].squares;
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const int lane = int(thread_index % KERNEL_LANES), width = block.columns * 4;
  const int blocks_groups = block.channels / args.group_channels;
  const int channels = blocks_groups == 1 ? width : args.group_channels;
  for (int g = int(thread_index / KERNEL_LANES); g < blocks_groups;
       g += NORM_THREADS / KERNEL_LANES) {
    moments all = {0.0f, 0.0f, 0.0f};
    for (int i = lane; i < block.rows * channels; i += KERNEL_LANES) {
      const int at = i / channels * width + g * channels + i % channels;
      const moments one = {counts[at], means[at], squares[at]};
      all = moments_join(all, one);
    }
    all = moments_of_lanes(all);
    const int index = block.first / args.group_channels + g;
    if (lane == 0)
      partials[(int(group.z) * args.splits + int(group.y)) * args.groups + index] =
          float2(all.mean, all.squares);
  }
}

// Mean (from the group's center) and 1 / deviation of one group, in every lane.
static inline float2 group_norm_join(constant group_norm_args &args, const device float2 *partials,
                                     int n, int group, int lane) {
  moments all = {0.0f, 0.0f, 0.0f};
  for (int split = lane; split < args.splits; split += KERNEL_LANES) {
    const float2 from = partials[(n * args.splits + split) * args.groups + group];
    const int pixels = min(args.split_pixels, args.pixels - split * args.split_pixels);
    const moments one = {float(pixels) * float(args.group_channels), from.x, from.y};
    all = moments_join(all, one);
  }
  all = moments_of_lanes(all);
  const float count = float(args.pixels) * float(args.group_channels);
  const float variance = max(all.squares, 0.0f) / count;
  return float2(all.mean, precise::rsqrt(variance + args.eps));
}

// out = act((x|y - mean) * scale / deviation + shift), [n][pixels][channels]. Grid (blocks of
// groups, items of pixels, n). One threadgroup: the pixels of an item in the channels of a block;
// it joins the partials of its groups first.
kernel void group_norm_apply(constant group_norm_args &args [[buffer(0)]],
                             device uchar *out [[buffer(1)]], const device uchar *x [[buffer(2)]],
                             const device uchar *y [[buffer(3)]],
                             const device float *scale [[buffer(4)]],
                             const device float *shift [[buffer(5)]],
                             const device float2 *partials [[buffer(6)]],
                             uint3 group [[threadgroup_position_in_grid]],
                             uint thread_index [[thread_index_in_threadgroup]]) {
  threadgroup float centers[NORM_THREADS];
  threadgroup float2 joined[NORM_THREADS];
  const int n = int(group.z), lane = int(thread_index % KERNEL_LANES);
  const group_norm_block block = group_norm_place(args, group.x, thread_index);
  const int first_group = block.first / args.group_channels;
  for (int g = int(thread_index / KERNEL_LANES); g < block.channels / args.group_channels;
       g += NORM_THREADS / KERNEL_LANES) {
    const float2 one = group_norm_join(args, partials, n, first_group + g, lane);
    if (lane != 0) continue;
    joined[g] = one;
    centers[g] = group_norm_center(args, x, y, n, first_group + g);
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const int last_channel = block.first + block.channels;
  const int first = int(group.y) * args.item_pixels;
  const int end = min(first + args.item_pixels, args.pixels);
  uint unread = 0;
  if (block.row >= block.rows) return;
  for (int channel = block.first + block.column * 4; channel < last_channel;
       channel += block.columns * 4) {
    float4 center, by, to;
    for (int i = 0; i < 4; i++) {
      const int c = min(channel + i, last_channel - 1);
      const int g = c / args.group_channels - first_group;
      center[i] = centers[g];
      by[i] = joined[g].y * scale[c];
      to[i] = shift[c] - joined[g].x * by[i];
    }
    for (int pixel = first + block.row; pixel < end; pixel += block.rows) {
      const ulong at = ulong(n) * ulong(args.pixels) + ulong(pixel);
      float4 value = group_norm_load4(args, x, y, at, channel, last_channel, unread);
      value = (value - center) * by + to;
      if (args.act == KERNEL_ACT_SILU)
        for (int i = 0; i < 4; i++) value[i] = silu(value[i]);
      const ulong to_at = at * ulong(args.channels) + ulong(channel);
      if (args.by_quads) {
        store4(out, args.out_format, to_at, value);
        continue;
      }
      for (int i = 0; i < 4; i++)
        if (channel + i < last_channel) store1(out, args.out_format, to_at + ulong(i), value[i]);
    }
  }
}
