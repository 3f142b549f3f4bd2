// unpack: weights of a file to the order and format of the kernels, once, when they are uploaded.
#include "numbers.h"

// out [packed rows][taps][in] from [rows][in][taps] in the file's format; matrices in storage.h's
// float, or f32 vectors (rows 1, taps 1). GEGLU: packed row 16 j + r is value row 8 j + r for
// r < 8, else gate row 8 j + r - 8; zeros past the last. Grid (in, packed rows), one thread: one
// input of one row, all taps: both the reads and the writes of a simdgroup then lie together.
kernel void unpack(constant unpack_args &args [[buffer(0)]], device uchar *out [[buffer(1)]],
                   const device uchar *source [[buffer(2)]],
                   uint3 group [[threadgroup_position_in_grid]],
                   uint thread_index [[thread_index_in_threadgroup]]) {
  const int i = int(group.x * ELEMENTWISE_THREADS + thread_index), row = int(group.y);
  if (i >= args.in) return;
  int from_row = row;
  bool is_there = true;
  if (args.is_geglu) {
    const int half_rows = args.rows / 2, value_row = row / 16 * 8 + row % 8;
    is_there = value_row < half_rows;
    from_row = row % 16 < 8 ? value_row : half_rows + value_row;
  }
  const ulong from = (ulong(from_row) * ulong(args.in) + ulong(i)) * ulong(args.taps);
  for (int tap = 0; tap < args.taps; tap++) {
    const ulong to = (ulong(row) * ulong(args.taps) + ulong(tap)) * ulong(args.in) + ulong(i);
    float value = 0.0f;
    if (is_there) value = load_stored(source, args.format, from + ulong(tap));
    store1(out, args.out_format, to, value);
  }
}

// out = the bytes of source, both of which begin at a multiple of 16. One thread: 16 bytes.
kernel void copy_bytes(constant copy_args &args [[buffer(0)]], device uchar *out [[buffer(1)]],
                 const device uchar *source [[buffer(2)]],
                 uint3 group [[threadgroup_position_in_grid]],
                 uint thread_index [[thread_index_in_threadgroup]]) {
  const long first = (long(group.x) * ELEMENTWISE_THREADS + thread_index) * 16;
  if (first + 16 <= args.bytes) {
    *(device uint4 *)(out + first) = *(const device uint4 *)(source + first);
    return;
  }
  for (long i = first; i < args.bytes; i++) out[i] = source[i];
}
