/* The encoder: what Metal's validation layer refuses is refused here, and the rest is recorded. */
#include <string.h>

#include "objects.h"

@implementation SimCommand
- (void)dealloc {
  [_pipeline release];
  for (int i = 0; i < MSL_BUFFERS; i++) {
    if (_buffers[i] && _borrows) _buffers[i]->_borrowed--;
    [_buffers[i] release];
    if (_bytes[i]) msl_memory_free(_bytes[i]);
  }
  [super dealloc];
}
- (void)bindBuffer:(SimBuffer *)buffer offset:(NSUInteger)offset atIndex:(int)index {
  _buffers[index] = [buffer retain];
  if (_borrows) buffer->_borrowed++;
  _dispatch.buffers[index] = (struct msl_binding){buffer->_memory, buffer->_length, offset};
}
- (void)bindBytes:(NSData *)bytes atIndex:(int)index {
  NSUInteger length = [bytes length];
  void *copy = msl_memory_new(length, 1);
  sim_need(copy != NULL, "no memory for setBytes");
  memcpy(copy, [bytes bytes], length);
  _bytes[index] = copy;
  _dispatch.buffers[index] = (struct msl_binding){copy, length, 0};
}
/* The host promised to keep its buffers; the simulator keeps them too, and so can tell. */
- (const char *)lostBuffer {
  for (int a = 0; _borrows && a < _dispatch.kernel->argument_count; a++) {
    const struct msl_argument *argument = &_dispatch.kernel->arguments[a];
    SimBuffer *buffer = argument->kind == MSL_BUFFER ? _buffers[argument->index] : nil;
    if (buffer && [buffer retainCount] == (NSUInteger)buffer->_borrowed) return argument->name;
  }
  return NULL;
}
@end

@implementation SimEncoderInfo
- (void)dealloc {
  [_label release];
  [_signposts release];
  [super dealloc];
}
- (NSString *)label {
  return _label ? _label : @"";
}
- (NSArray *)debugSignposts {
  return _signposts;
}
- (MTLCommandEncoderErrorState)errorState {
  return _state;
}
@end

@implementation SimEncoder
- (instancetype)init {
  if ((self = [super init])) {
    sim_count(SIM_LIVE_ENCODERS, 1);
    _info = [[SimEncoderInfo alloc] init];
    _info->_signposts = [[NSMutableArray alloc] init];
  }
  return self;
}
- (void)dealloc {
  sim_count(SIM_LIVE_ENCODERS, -1);
  for (int i = 0; i < MSL_BUFFERS; i++) {
    [_buffers[i] release];
    [_bytes[i] release];
  }
  [_pipeline release];
  [_info release];
  [_commandBuffer release];
  [super dealloc];
}
- (NSString *)label {
  return _info->_label;
}
- (void)setLabel:(NSString *)label {
  [_info->_label release];
  _info->_label = [label copy];
}
- (void)insertDebugSignpost:(NSString *)string {
  [_info->_signposts addObject:string];
}
- (void)pushDebugGroup:(NSString *)string {
  _groups++;
  [_info->_signposts addObject:string];
}
- (void)popDebugGroup {
  sim_need(_groups-- > 0, "popDebugGroup without pushDebugGroup");
}
- (void)endEncoding {
  sim_need(!_ended, "endEncoding twice");
  sim_need(_groups == 0, "endEncoding with a debug group open");
  _ended = YES;
  _commandBuffer->_encoding = NO;
}

- (void)setComputePipelineState:(id<MTLComputePipelineState>)state {
  sim_need(state && !_ended, "setComputePipelineState: nil, or after endEncoding");
  [(id)state retain];
  [_pipeline release];
  _pipeline = (SimPipeline *)state;
}
- (void)replaceBuffer:(SimBuffer *)buffer bytes:(NSData *)bytes atIndex:(NSUInteger)index {
  sim_need(index < MSL_BUFFERS && !_ended, "argument index %lu, or after endEncoding",
           (unsigned long)index);
  [buffer retain];
  [bytes retain];
  [_buffers[index] release];
  [_bytes[index] release];
  _buffers[index] = buffer;
  _bytes[index] = bytes;
}
- (void)setBuffer:(id<MTLBuffer>)buffer offset:(NSUInteger)offset atIndex:(NSUInteger)index {
  sim_need(!buffer || offset < [buffer length], "setBuffer: offset %lu is not inside the buffer",
           (unsigned long)offset);
  [self replaceBuffer:(SimBuffer *)buffer bytes:nil atIndex:index];
  _offsets[index] = offset;
}
- (void)setBufferOffset:(NSUInteger)offset atIndex:(NSUInteger)index {
  sim_need(index < MSL_BUFFERS && _buffers[index] && offset < _buffers[index]->_length,
           "setBufferOffset: no buffer there, or the offset is not inside it");
  _offsets[index] = offset;
}
- (void)setBytes:(const void *)bytes length:(NSUInteger)length atIndex:(NSUInteger)index {
  sim_need(length && length <= 4096, "setBytes: length %lu must be 1 to 4096",
           (unsigned long)length);
  NSData *copy = [[NSData alloc] initWithBytes:bytes length:length];
  [self replaceBuffer:nil bytes:copy atIndex:index];
  [copy release];
}
- (void)setThreadgroupMemoryLength:(NSUInteger)length atIndex:(NSUInteger)index {
  sim_need(index < MSL_BUFFERS && length % 16 == 0,
           "setThreadgroupMemoryLength: %lu must be a multiple of 16", (unsigned long)length);
  sim_need(length <= MSL_THREADGROUP_BYTES, "setThreadgroupMemoryLength: %lu, the most is %d",
           (unsigned long)length, MSL_THREADGROUP_BYTES);
  _threadgroupBytes[index] = (uint32_t)length;
}
- (void)useResource:(id<MTLBuffer>)resource usage:(MTLResourceUsage)usage {
  sim_need(resource && usage && !_ended, "useResource: nil, no usage, or after endEncoding");
}

- (SimCommand *)record:(sim_command_kind)kind {
  sim_need(!_ended, "a command after endEncoding");
  SimCommand *command = [[SimCommand alloc] init];
  command->_kind = kind;
  command->_encoder = _number;
  command->_borrows = _commandBuffer->_borrows;
  [_commandBuffer->_commands addObject:command];
  [command release];
  return command;
}
- (void)memoryBarrierWithScope:(MTLBarrierScope)scope {
  sim_need(scope & MTLBarrierScopeBuffers, "memoryBarrierWithScope: not of buffers");
  sim_count(SIM_BARRIERS, 1);
  [self record:SIM_ORDER_ALL];
}
- (void)memoryBarrierWithResources:(const id<MTLBuffer> *)resources count:(NSUInteger)count {
  sim_count(SIM_BARRIERS, 1);
  for (NSUInteger i = 0; i < count; i++) {
    SimBuffer *buffer = (SimBuffer *)resources[i];
    [[self record:SIM_ORDER_ONE] bindBuffer:buffer offset:0 atIndex:0];
  }
}

- (void)bind:(const struct msl_argument *)argument to:(SimCommand *)command {
  const char *kernel = command->_dispatch.kernel->name;
  int i = argument->index;
  if (argument->kind == MSL_THREADGROUP) {
    sim_need(_threadgroupBytes[i], "kernel %s: threadgroup memory %d (%s) is not set", kernel, i,
             argument->name);
    command->_dispatch.threadgroup_bytes[i] = _threadgroupBytes[i];
  }
  if (argument->kind != MSL_BUFFER) return;
  sim_need(_buffers[i] || _bytes[i] || argument->optional, "kernel %s: buffer %d (%s) is not set",
           kernel, i, argument->name);
  if (_buffers[i]) [command bindBuffer:_buffers[i] offset:_offsets[i] atIndex:i];
  if (_bytes[i]) {
    sim_need(!argument->writable, "kernel %s: setBytes for %s, which it may write", kernel,
             argument->name);
    [command bindBytes:_bytes[i] atIndex:i];
  }
  const struct msl_binding *binding = &command->_dispatch.buffers[i];
  if (!binding->base) return;
  sim_need(binding->offset % argument->alignment == 0,
           "kernel %s: the offset of %s is not a multiple of %u", kernel, argument->name,
           argument->alignment);
  sim_need(!argument->is_reference || binding->length - binding->offset >= argument->size,
           "kernel %s: argument %d (%s) has %zu bytes and needs %u", kernel, i, argument->name,
           binding->length - binding->offset, argument->size);
}
- (void)bindAll:(SimCommand *)command {
  const struct msl_kernel *kernel = command->_dispatch.kernel;
  NSUInteger bytes = [_pipeline staticThreadgroupMemoryLength];
  for (int a = 0; a < kernel->argument_count; a++) {
    const struct msl_argument *argument = &kernel->arguments[a];
    [self bind:argument to:command];
    if (argument->kind == MSL_THREADGROUP)
      bytes += command->_dispatch.threadgroup_bytes[argument->index];
  }
  sim_need(bytes <= MSL_THREADGROUP_BYTES,
           "kernel %s: %lu bytes of threadgroup memory, the most is %d", kernel->name,
           (unsigned long)bytes, MSL_THREADGROUP_BYTES);
}
- (void)dispatchThreads:(MTLSize)grid threadsPerThreadgroup:(MTLSize)group {
  NSUInteger threads = group.width * group.height * group.depth;
  sim_need(_pipeline != nil, "dispatch without a pipeline");
  sim_need(grid.width && grid.height && grid.depth && threads, "kernel %s: an empty dispatch",
           _pipeline->_function->_kernel->name);
  sim_need(threads <= _pipeline->_maxThreads,
           "kernel %s: %lu threads in a threadgroup, its pipeline takes %lu",
           _pipeline->_function->_kernel->name, (unsigned long)threads,
           (unsigned long)_pipeline->_maxThreads);
  SimCommand *command = [self record:SIM_DISPATCH];
  command->_pipeline = [_pipeline retain];
  struct msl_dispatch *dispatch = &command->_dispatch;
  dispatch->kernel = _pipeline->_function->_kernel;
  const NSUInteger grid_sizes[3] = {grid.width, grid.height, grid.depth};
  const NSUInteger group_sizes[3] = {group.width, group.height, group.depth};
  int64_t groups = 1;
  for (int d = 0; d < 3; d++) {
    sim_need(grid_sizes[d] <= UINT32_MAX, "kernel %s: the grid is too large",
             dispatch->kernel->name);
    dispatch->grid[d] = (uint32_t)grid_sizes[d];
    dispatch->group[d] = (uint32_t)group_sizes[d];
    groups *= (int64_t)((grid_sizes[d] + group_sizes[d] - 1) / group_sizes[d]);
  }
  [self bindAll:command];
  sim_count(SIM_DISPATCHES, 1);
  sim_count(SIM_THREADGROUPS, groups);
  /* A serial encoder waits before each dispatch; a concurrent one for barriers alone. */
  if (!_concurrent) [self record:SIM_ORDER_ALL];
}
- (void)dispatchThreadgroups:(MTLSize)groups threadsPerThreadgroup:(MTLSize)group {
  MTLSize grid = MTLSizeMake(groups.width * group.width, groups.height * group.height,
                             groups.depth * group.depth);
  [self dispatchThreads:grid threadsPerThreadgroup:group];
}
@end
