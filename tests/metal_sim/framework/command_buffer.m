/* Queues and command buffers, and the thread that stands for the GPU. */
#import <Foundation/NSThread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "objects.h"

NSString *const MTLCommandBufferErrorDomain = @"MTLCommandBufferErrorDomain";
NSString *const MTLCommandBufferEncoderInfoErrorKey = @"MTLCommandBufferEncoderInfoErrorKey";

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Faults that a test can ask for, in the words of Apple's driver. */
static const struct {
  const char *fault;
  MTLCommandBufferError code;
  const char *text;
} failures[] = {
    {"internal", MTLCommandBufferErrorInternal, "Internal Error (0000000e:Internal Error)"},
    {"timeout", MTLCommandBufferErrorTimeout,
     "Caused GPU Timeout Error (00000002:kIOGPUCommandBufferCallbackErrorTimeout)"},
    {"page_fault", MTLCommandBufferErrorPageFault,
     "Caused GPU Address Fault Error (0000000b:kIOGPUCommandBufferCallbackErrorPageFault)"},
    {"access_revoked", MTLCommandBufferErrorAccessRevoked,
     "Ignored (for causing prior/excessive GPU errors) "
     "(00000004:kIOGPUCommandBufferCallbackErrorSubmissionsIgnored)"},
    {"out_of_memory", MTLCommandBufferErrorOutOfMemory,
     "Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)"},
    {"device_removed", MTLCommandBufferErrorDeviceRemoved,
     "The GPU was removed (0000000c:kIOGPUCommandBufferCallbackErrorDeviceRemoved)"}};

static struct {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  NSMutableArray *waiting;
  bool busy;
} gpu = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static SimCommandBuffer *next_command_buffer(void) {
  pthread_mutex_lock(&gpu.mutex);
  while (![gpu.waiting count]) pthread_cond_wait(&gpu.changed, &gpu.mutex);
  SimCommandBuffer *next = [[gpu.waiting objectAtIndex:0] retain];
  [gpu.waiting removeObjectAtIndex:0];
  gpu.busy = true;
  pthread_mutex_unlock(&gpu.mutex);
  return next;
}

static void set_idle(void) {
  pthread_mutex_lock(&gpu.mutex);
  gpu.busy = false;
  pthread_cond_broadcast(&gpu.changed);
  pthread_mutex_unlock(&gpu.mutex);
}

void sim_wait_until_idle(void) {
  pthread_mutex_lock(&gpu.mutex);
  while (gpu.busy || [gpu.waiting count]) pthread_cond_wait(&gpu.changed, &gpu.mutex);
  pthread_mutex_unlock(&gpu.mutex);
}

static void *run_gpu(void *unused) {
  (void)unused;
  GSRegisterCurrentThread();
  long late = sim_setting("MTLSIM_LATE", 0); /* milliseconds: hosts that do not wait see old data */
  for (;;) {
    NSAutoreleasePool *pool = [[NSAutoreleasePool alloc] init];
    SimCommandBuffer *buffer = next_command_buffer();
    if (late) usleep((useconds_t)late * 1000);
    [buffer run];
    [buffer release];
    [pool release];
    set_idle();
  }
  return NULL;
}

static void start_gpu(void) {
  pthread_t thread;
  gpu.waiting = [[NSMutableArray alloc] init];
  sim_need(!pthread_create(&thread, NULL, run_gpu, NULL), "no thread for the GPU");
  pthread_detach(thread);
}

void sim_submit(SimCommandBuffer *buffer) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, start_gpu);
  pthread_mutex_lock(&gpu.mutex);
  buffer->_followsAll = !gpu.busy && ![gpu.waiting count];
  [gpu.waiting addObject:buffer];
  pthread_cond_broadcast(&gpu.changed);
  pthread_mutex_unlock(&gpu.mutex);
}

@implementation SimCommandBuffer
@synthesize label = _label;

- (instancetype)initWithQueue:(SimQueue *)queue retains:(BOOL)retains wantsInfo:(BOOL)wantsInfo {
  if ((self = [super init])) {
    _queue = [queue retain];
    _borrows = !retains;
    _wantsInfo = wantsInfo;
    _commands = [[NSMutableArray alloc] init];
    _handlers = [[NSMutableArray alloc] init];
    _infos = [[NSMutableArray alloc] init];
    pthread_mutex_init(&_mutex, NULL);
    pthread_cond_init(&_finished, NULL);
    sim_count(SIM_LIVE_COMMAND_BUFFERS, 1);
  }
  return self;
}
- (void)dealloc {
  sim_count(SIM_LIVE_COMMAND_BUFFERS, -1);
  [_commands release];
  [_handlers release];
  [_infos release];
  [_error release];
  [_label release];
  [_queue release];
  pthread_mutex_destroy(&_mutex);
  pthread_cond_destroy(&_finished);
  [super dealloc];
}
- (id<MTLCommandQueue>)commandQueue {
  return _queue;
}
- (id<MTLComputeCommandEncoder>)computeCommandEncoder {
  return [self computeCommandEncoderWithDispatchType:MTLDispatchTypeSerial];
}
- (id<MTLComputeCommandEncoder>)computeCommandEncoderWithDispatchType:(MTLDispatchType)type {
  sim_need(!_encoding, "a new encoder while another is open");
  sim_need(_status < MTLCommandBufferStatusCommitted, "a new encoder after commit");
  SimEncoder *encoder = [[[SimEncoder alloc] init] autorelease];
  encoder->_commandBuffer = [self retain];
  encoder->_concurrent = type == MTLDispatchTypeConcurrent;
  encoder->_number = [_infos count];
  [_infos addObject:encoder->_info];
  _encoding = YES;
  [encoder record:SIM_NEW_ENCODER];
  return encoder;
}
- (void)addCompletedHandler:(MTLCommandBufferHandler)block {
  sim_need(_status < MTLCommandBufferStatusCommitted, "addCompletedHandler after commit");
  id copy = [(id)block copy];
  [_handlers addObject:copy];
  [copy release];
}
- (void)enqueue {
  if (_status == MTLCommandBufferStatusNotEnqueued) _status = MTLCommandBufferStatusEnqueued;
}
- (void)commit {
  sim_need(!_encoding, "commit with an encoder open");
  sim_need(_status < MTLCommandBufferStatusCommitted, "commit twice");
  _status = MTLCommandBufferStatusCommitted;
  sim_count(SIM_COMMAND_BUFFERS, 1);
  sim_submit(self);
}
- (void)waitUntilCompleted {
  sim_need(_status >= MTLCommandBufferStatusCommitted, "waitUntilCompleted before commit");
  pthread_mutex_lock(&_mutex);
  while (!_handlersDone) pthread_cond_wait(&_finished, &_mutex);
  pthread_mutex_unlock(&_mutex);
}
- (MTLCommandBufferStatus)status {
  pthread_mutex_lock(&_mutex);
  MTLCommandBufferStatus status = _status;
  pthread_mutex_unlock(&_mutex);
  return status;
}
- (NSError *)error {
  return _error;
}
- (double)GPUStartTime {
  return _start;
}
- (double)GPUEndTime {
  return _end;
}

- (void)fail:(MTLCommandBufferError)code text:(NSString *)text encoder:(NSUInteger)encoder {
  NSMutableDictionary *info = [NSMutableDictionary dictionary];
  [info setObject:text forKey:NSLocalizedDescriptionKey];
  for (NSUInteger i = 0; i < [_infos count]; i++) {
    SimEncoderInfo *of = [_infos objectAtIndex:i];
    of->_state = i < encoder    ? MTLCommandEncoderErrorStateCompleted
                 : i == encoder ? MTLCommandEncoderErrorStateFaulted
                                : MTLCommandEncoderErrorStatePending;
  }
  if (_wantsInfo)
    [info setObject:[[_infos copy] autorelease] forKey:MTLCommandBufferEncoderInfoErrorKey];
  _error = [[NSError alloc] initWithDomain:MTLCommandBufferErrorDomain
                                      code:(NSInteger)code
                                  userInfo:info];
}
- (void)failOnDemand {
  for (size_t i = 0; i < sizeof failures / sizeof *failures && !_error; i++)
    if (sim_fault(failures[i].fault, NULL))
      [self fail:failures[i].code text:[NSString stringWithUTF8String:failures[i].text] encoder:0];
}

/* A damaged result, as a broken kernel or compiler would give: the first output is upset. */
static void damage(SimCommand *command) {
  const struct msl_kernel *kernel = command->_dispatch.kernel;
  for (int a = 0; a < kernel->argument_count; a++) {
    const struct msl_argument *argument = &kernel->arguments[a];
    const struct msl_binding *binding = &command->_dispatch.buffers[argument->index];
    if (argument->kind != MSL_BUFFER || !argument->writable || !binding->base) continue;
    size_t length = binding->length - binding->offset;
    memset((char *)binding->base + binding->offset, 0x3c, length < 64 ? length : 64);
    return;
  }
}

- (void)runDispatch:(SimCommand *)command {
  const char *lost = [command lostBuffer];
  if (lost) {
    NSString *text = [NSString
        stringWithFormat:@"buffer '%s' of kernel %s was released while a command buffer with "
                         @"unretained references needed it",
                         lost, command->_dispatch.kernel->name];
    [self fail:MTLCommandBufferErrorInvalidResource text:text encoder:command->_encoder];
    return;
  }
  char mistakes[4096];
  [command->_pipeline->_function setConstants];
  enum msl_fault_kind fault = msl_run(&command->_dispatch, mistakes, sizeof mistakes);
  if (sim_fault_of_kernel("wrong", command->_dispatch.kernel->name)) damage(command);
  if (fault == MSL_NO_FAULT) return;
  MTLCommandBufferError code =
      fault == MSL_OUTSIDE ? MTLCommandBufferErrorPageFault : MTLCommandBufferErrorInternal;
  NSString *text = [NSString stringWithUTF8String:mistakes];
  [self fail:code text:text encoder:command->_encoder];
}
- (void)runCommand:(SimCommand *)command {
  switch (command->_kind) {
    case SIM_DISPATCH:
      [self runDispatch:command];
      break;
    case SIM_NEW_ENCODER:
      msl_order_tracked();
      break;
    case SIM_ORDER_ALL:
      msl_order_all();
      break;
    case SIM_ORDER_ONE:
      msl_order_memory(command->_buffers[0]->_memory);
      break;
  }
}
- (void)run {
  _start = seconds();
  if (_followsAll) msl_order_all();
  [self failOnDemand];
  for (SimCommand *command in _commands) {
    if (_error) break;
    [self runCommand:command];
  }
  _end = _start + (seconds() - _start) / (double)sim_setting("MTLSIM_SPEED", 1);
  pthread_mutex_lock(&_mutex);
  _status = _error ? MTLCommandBufferStatusError : MTLCommandBufferStatusCompleted;
  pthread_mutex_unlock(&_mutex);
  [_commands removeAllObjects];
  for (MTLCommandBufferHandler handler in _handlers) handler(self);
  [_handlers removeAllObjects];
  pthread_mutex_lock(&_mutex);
  _handlersDone = YES;
  pthread_cond_broadcast(&_finished);
  pthread_mutex_unlock(&_mutex);
}
@end

@implementation SimQueue
@synthesize label = _label;

- (instancetype)init {
  if ((self = [super init])) sim_count(SIM_LIVE_QUEUES, 1);
  return self;
}
- (void)dealloc {
  sim_count(SIM_LIVE_QUEUES, -1);
  [_label release];
  [(id)_device release];
  [super dealloc];
}
- (id<MTLDevice>)device {
  return _device;
}
- (id<MTLCommandBuffer>)newBufferThatRetains:(BOOL)retains wantsInfo:(BOOL)wantsInfo {
  SimCommandBuffer *buffer = [SimCommandBuffer alloc];
  return [[buffer initWithQueue:self retains:retains wantsInfo:wantsInfo] autorelease];
}
- (id<MTLCommandBuffer>)commandBuffer {
  return [self newBufferThatRetains:YES wantsInfo:NO];
}
- (id<MTLCommandBuffer>)commandBufferWithUnretainedReferences {
  return [self newBufferThatRetains:NO wantsInfo:NO];
}
- (id<MTLCommandBuffer>)commandBufferWithDescriptor:(MTLCommandBufferDescriptor *)descriptor {
  BOOL wantsInfo =
      ([descriptor errorOptions] & MTLCommandBufferErrorOptionEncoderExecutionStatus) != 0;
  return [self newBufferThatRetains:[descriptor retainedReferences] wantsInfo:wantsInfo];
}
- (void)addResidencySet:(id<MTLResidencySet>)residencySet {
  sim_need(residencySet != nil, "addResidencySet: nil");
}
- (void)removeResidencySet:(id<MTLResidencySet>)residencySet {
  sim_need(residencySet != nil, "removeResidencySet: nil");
}
@end
