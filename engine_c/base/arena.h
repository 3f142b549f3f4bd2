/* arena: memory from the system in whole pages, given back as a whole, and a bump allocator for
 * small records that live as long as their graph. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed pages, 64-byte aligned at least; NULL: out of memory. Free with the same size. */
void *arena_pages(size_t bytes);
/* The same in pages of 2 MB where the system has them: fewer TLB misses, but slower to take, so for
 * memory that is written more than once. */
void *arena_large_pages(size_t bytes);
void arena_pages_free(void *pages, size_t bytes);

/* Tells the system that a read-only file mapping is about to be read from end to end, so that it
 * fetches large parts at once. */
void arena_fetch_mapped(const void *data, size_t bytes);

/* Tells the system that no page of a read-only file mapping is needed for now. The whole mapping,
 * not a part: a fault may map all of a large folio of the page cache, the neighbours too. */
void arena_drop_mapped(const void *mapping, size_t bytes);

typedef struct arena_block arena_block;
typedef struct arena {
  arena_block *last;
} arena; /* zero-initialised: empty */

/* Zeroed, 16-byte aligned; NULL: out of memory. */
void *arena_take(arena *memory, size_t bytes);
void arena_free(arena *memory);

#endif
