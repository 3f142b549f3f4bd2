// embedding: rows of a table by their ids.
#include "numbers.h"

// out [ids][channels] = the table's row of each id, or the extra row of ids past the table; an id
// past either end is clamped. The table is in the file's format. Grid (channels, ids), one thread:
// one number.
kernel void embedding(constant embedding_args &args [[buffer(0)]], device uchar *out [[buffer(1)]],
                      const device int *ids [[buffer(2)]], const device uchar *table [[buffer(3)]],
                      const device float *extra [[buffer(4)]],
                      uint3 group [[threadgroup_position_in_grid]],
                      uint thread_index [[thread_index_in_threadgroup]]) {
  const int channel = int(group.x * ELEMENTWISE_THREADS + thread_index);
  if (channel >= args.channels) return;
  const int id = clamp(ids[group.y], 0, args.table_rows + args.extra_rows - 1);
  float value;
  if (id < args.table_rows)
    value =
        load_stored(table, args.table_format, ulong(id) * ulong(args.channels) + ulong(channel));
  else
    value = extra[ulong(id - args.table_rows) * ulong(args.channels) + ulong(channel)];
  store1(out, args.out_format, ulong(group.y) * ulong(args.channels) + ulong(channel), value);
}
