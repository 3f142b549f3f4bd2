/* Buffers and residency sets. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "objects.h"

@implementation SimBuffer
@synthesize label = _label;

+ (SimBuffer *)newAround:(void *)memory
                  length:(NSUInteger)length
                  device:(id<MTLDevice>)device
                 options:(MTLResourceOptions)options
             deallocator:(void (^)(void *, NSUInteger))deallocator {
  unsigned long page = (unsigned long)getpagesize();
  sim_need((uintptr_t)memory % page == 0 && length % page == 0 && length,
           "newBufferWithBytesNoCopy: pointer and length must be whole pages");
  if (msl_memory_adopt(memory, length, !(options & MTLResourceHazardTrackingModeUntracked)))
    return nil;
  SimBuffer *buffer = [self newOf:memory length:length device:device];
  buffer->_adopted = YES;
  buffer->_deallocator = [(id)deallocator copy];
  return buffer;
}
+ (SimBuffer *)newWithLength:(NSUInteger)length
                      device:(id<MTLDevice>)device
                     options:(MTLResourceOptions)options {
  sim_need(length > 0 && length <= [device maxBufferLength], "newBuffer: length %lu",
           (unsigned long)length);
  void *memory = msl_memory_new(length, !(options & MTLResourceHazardTrackingModeUntracked));
  if (!memory) return nil;
  sim_count(SIM_ALLOCATED_BYTES, (int64_t)length);
  return [self newOf:memory length:length device:device];
}
+ (SimBuffer *)newOf:(void *)memory length:(NSUInteger)length device:(id<MTLDevice>)device {
  SimBuffer *buffer = [[self alloc] init];
  buffer->_memory = memory;
  buffer->_length = length;
  buffer->_device = [(id)device retain];
  buffer->_purgeable = MTLPurgeableStateNonVolatile;
  sim_count(SIM_LIVE_BUFFERS, 1);
  return buffer;
}
- (void)dealloc {
  msl_memory_free(_memory);
  if (!_adopted) sim_count(SIM_ALLOCATED_BYTES, -(int64_t)_length);
  if (_deallocator) {
    _deallocator(_memory, _length);
    [(id)_deallocator release];
  }
  sim_count(SIM_LIVE_BUFFERS, -1);
  [_label release];
  [(id)_device release];
  [super dealloc];
}
- (id<MTLDevice>)device {
  return _device;
}
- (NSUInteger)length {
  return _length;
}
- (NSUInteger)allocatedSize {
  return _length;
}
- (void *)contents {
  return _memory;
}
- (MTLPurgeableState)setPurgeableState:(MTLPurgeableState)state {
  MTLPurgeableState before = _purgeable;
  if (state != MTLPurgeableStateKeepCurrent) _purgeable = state;
  return before;
}
@end

@implementation SimResidencySet
- (instancetype)init {
  if ((self = [super init])) {
    _allocations = [[NSMutableArray alloc] init];
    sim_count(SIM_LIVE_RESIDENCY_SETS, 1);
  }
  return self;
}
- (void)dealloc {
  sim_count(SIM_LIVE_RESIDENCY_SETS, -1);
  [_allocations release];
  [_label release];
  [super dealloc];
}
- (NSString *)label {
  return _label;
}
- (uint64_t)allocatedSize {
  uint64_t sum = 0;
  for (id<MTLAllocation> allocation in _allocations) sum += [allocation allocatedSize];
  return sum;
}
- (NSUInteger)allocationCount {
  return [_allocations count];
}
- (BOOL)containsAllocation:(id<MTLAllocation>)allocation {
  return [_allocations indexOfObjectIdenticalTo:allocation] != NSNotFound;
}
- (void)addAllocation:(id<MTLAllocation>)allocation {
  sim_need(allocation != nil, "addAllocation: nil");
  if (![self containsAllocation:allocation]) [_allocations addObject:allocation];
}
- (void)removeAllocation:(id<MTLAllocation>)allocation {
  [_allocations removeObjectIdenticalTo:allocation];
}
- (void)removeAllAllocations {
  [_allocations removeAllObjects];
}
- (void)commit {
}
- (void)requestResidency {
}
- (void)endResidency {
}
@end
