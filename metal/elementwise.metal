// elementwise: operators that need few numbers of each input: add, activation, cast, arange, the
// timestep embedding and the colours of latents.
#include "math.h"
#include "numbers.h"
#include "unroll.h"

// out = act(x + y), y absent, of the same shape, or one row that every row of the batch shares.
// x, out [rows][row_numbers]. One thread: 8 numbers of row `group.y`.
kernel void elementwise(constant elementwise_args &args [[buffer(0)]],
                        device uchar *out [[buffer(1)]], const device uchar *x [[buffer(2)]],
                        const device uchar *y [[buffer(3)]],
                        uint3 group [[threadgroup_position_in_grid]],
                        uint thread_index [[thread_index_in_threadgroup]]) {
  const long first = (long(group.x) * ELEMENTWISE_THREADS + thread_index) * ELEMENTWISE_NUMBERS;
  if (first >= args.row_numbers) return;
  const long at = long(group.y) * args.row_numbers + first;
  const long y_at = args.y_is_shared ? first : at;
  const long left = args.row_numbers - first;
  if (left >= ELEMENTWISE_NUMBERS && at % 4 == 0) {  // then y_at is a multiple of 4 too
    for (int i = 0; i < ELEMENTWISE_NUMBERS; i += 4) {
      float4 value = load4(x, args.x_format, at + i);
      if (args.has_y) value += load4(y, args.y_format, y_at + i);
      UNROLL
      for (int k = 0; k < 4; k++) value[k] = activate(value[k], args.act);
      store4(out, args.out_format, at + i, value);
    }
    return;
  }
  for (int i = 0; i < ELEMENTWISE_NUMBERS && i < left; i++) {
    float value = load1(x, args.x_format, at + i);
    if (args.has_y) value += load1(y, args.y_format, y_at + i);
    store1(out, args.out_format, at + i, activate(value, args.act));
  }
}

// out[i] = start + i * step, i < count. One thread: one number.
kernel void arange(constant arange_args &args [[buffer(0)]], device uchar *out [[buffer(1)]],
                   uint i [[thread_position_in_grid]]) {
  if (int(i) >= args.count) return;
  const float value = fma(float(i), args.step, args.start);
  if (args.format == KERNEL_I32)
    ((device int *)out)[i] = int(rint(value));
  else
    store1(out, args.format, i, value);
}

// out [rows][2 half_width] = [cos(t f_i) | sin(t f_i)], t [rows], f_i the frequencies of args. The
// angle is counted in 2^-32 turns: whole turns fall off the top of an integer, and no digit of a
// large angle is lost, as one would be in f32. Grid (frequencies, rows), one thread: one pair.
kernel void timestep_embedding(constant timestep_args &args [[buffer(0)]],
                               device uchar *out [[buffer(1)]], const device float *t [[buffer(2)]],
                               uint3 group [[threadgroup_position_in_grid]],
                               uint thread_index [[thread_index_in_threadgroup]]) {
  const int i = int(group.x * KERNEL_LANES + thread_index);
  if (i >= args.count) return;
  const float whole = floor(t[group.y]), rest = t[group.y] - whole;
  const uint turns = args.turns[i];
  const uint angle = uint(int(whole)) * turns + uint(rest * float(turns));
  const float radians = float(int(angle)) * (2.0f * M_PI_F / 4294967296.0f);
  const ulong at = ulong(group.y) * ulong(2 * args.half_width) + ulong(args.first + i);
  store1(out, args.format, at, precise::cos(radians));
  store1(out, args.format, at + ulong(args.half_width), precise::sin(radians));
}

// out [pixels][3] = x [pixels][channels] times map [channels][3], and the row after it added. One
// thread: one pixel.
kernel void latent_rgb(constant latent_rgb_args &args [[buffer(0)]],
                       device float *out [[buffer(1)]], const device uchar *x [[buffer(2)]],
                       const device float *map [[buffer(3)]],
                       uint pixel [[thread_position_in_grid]]) {
  if (long(pixel) >= args.pixels) return;
  const device float *row = map + args.channels * 3;
  float3 color = float3(row[0], row[1], row[2]);
  for (int c = 0; c < args.channels; c++) {
    row = map + c * 3;
    const float value = load1(x, args.x_format, ulong(pixel) * ulong(args.channels) + ulong(c));
    color += value * float3(row[0], row[1], row[2]);
  }
  for (int i = 0; i < 3; i++) out[ulong(pixel) * 3 + ulong(i)] = color[i];
}
