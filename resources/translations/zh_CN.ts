<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN" sourcelanguage="en">
<context>
    <name>About</name>
    <message>
        <source>About Aquatint</source>
        <translation>关于 Aquatint</translation>
    </message>
    <message>
        <source>Version {version}</source>
        <translation>版本 {version}</translation>
    </message>
    <message>
        <source>Makes pictures from words on your own computer. Nothing leaves the machine.</source>
        <translation>在你自己的电脑上，用文字生成图片。任何内容都不会离开这台电脑。</translation>
    </message>
    <message>
        <source>MIT licence. The small model was trained on Microsoft Fluent Emoji (MIT); the window is drawn with Qt (LGPL).</source>
        <translation>MIT 许可证。小模型用 Microsoft Fluent Emoji（MIT）训练；窗口由 Qt（LGPL）绘制。</translation>
    </message>
    <message>
        <source>Done</source>
        <translation>完成</translation>
    </message>
    <message>
        <source>Closes this window.</source>
        <translation>关闭此窗口。</translation>
    </message>
    <message>
        <source>Licences…</source>
        <translation>许可证…</translation>
    </message>
    <message>
        <source>Shows the licences of all parts of Aquatint.</source>
        <translation>显示 Aquatint 所有组成部分的许可证。</translation>
    </message>
</context>
<context>
    <name>Application</name>
    <message>
        <source>Your picture is ready</source>
        <translation>图片已完成</translation>
    </message>
    <message>
        <source>The settings could not be saved: {reason}.</source>
        <translation>无法保存设置：{reason}。</translation>
    </message>
    <message>
        <source>Open a model or a picture</source>
        <translation>打开模型或图片</translation>
    </message>
    <message>
        <source>Add pictures to the gallery</source>
        <translation>将图片添加到图库</translation>
    </message>
    <message>
        <source>Aquatint {version} is out.</source>
        <translation>Aquatint {version} 已发布。</translation>
    </message>
</context>
<context>
    <name>BackendPanel</name>
    <message>
        <source>Engine</source>
        <translation>引擎</translation>
    </message>
    <message>
        <source>The engine is starting.</source>
        <translation>引擎正在启动。</translation>
    </message>
    <message>
        <source>Not every operation is right on this machine</source>
        <translation>这台电脑上有运算不正确</translation>
    </message>
    <message>
        <source>Pictures may be wrong. These failed their check: {names}.</source>
        <translation>图片可能出错。未通过检查的运算：{names}。</translation>
    </message>
    <message>
        <source>The engine is ready</source>
        <translation>引擎已就绪</translation>
    </message>
    <message>
        <source>The engine is not running</source>
        <translation>引擎未运行</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>Computes on</source>
        <translation>计算单元</translation>
    </message>
    <message>
        <source>Instruction set</source>
        <translation>指令集</translation>
    </message>
    <message>
        <source>Threads</source>
        <translation>线程数</translation>
    </message>
    <message>
        <source>Started in</source>
        <translation>启动用时</translation>
    </message>
    <message>
        <source>GPU programs</source>
        <translation>GPU 程序</translation>
    </message>
    <message>
        <source>Operation</source>
        <translation>运算</translation>
    </message>
    <message>
        <source>Runs on</source>
        <translation>运行于</translation>
    </message>
    <message>
        <source>Error</source>
        <translation>误差</translation>
    </message>
    <message>
        <source>Time</source>
        <translation>用时</translation>
    </message>
    <message>
        <source>Check</source>
        <translation>检查</translation>
    </message>
    <message>
        <source>Start-up check of each operation</source>
        <translation>启动时对每项运算的检查</translation>
    </message>
    <message>
        <source>Error is a share of what is allowed: up to 1.0 is right.</source>
        <translation>误差是允许值的比例：不超过 1.0 即为正确。</translation>
    </message>
    <message>
        <source>Copy report</source>
        <translation>拷贝报告</translation>
    </message>
    <message>
        <source>Copies all of this and the newest lines of the log, to report a problem.</source>
        <translation>复制以上全部内容和日志的最新几行，用于报告问题。</translation>
    </message>
    <message>
        <source>with my prompt and settings</source>
        <translation>包含我的提示词和设置</translation>
    </message>
    <message>
        <source>Without this, nothing of what you wrote is in the report.</source>
        <translation>不勾选时，报告中没有你写的任何内容。</translation>
    </message>
    <message>
        <source>Done</source>
        <translation>完成</translation>
    </message>
    <message>
        <source>Closes this window.</source>
        <translation>关闭此窗口。</translation>
    </message>
    <message>
        <source>{seconds} s, check included</source>
        <translation>{seconds} 秒（含检查）</translation>
    </message>
    <message>
        <source>{count} of {all}, for {family}</source>
        <translation>{all} 个中的 {count} 个，适用于 {family}</translation>
    </message>
    <message>
        <source>The GPU is not used: {why}.</source>
        <translation>未使用 GPU：{why}。</translation>
    </message>
    <message>
        <source>passed</source>
        <translation>通过</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>未通过</translation>
    </message>
    <message>
        <source>{time} ms</source>
        <translation>{time} 毫秒</translation>
    </message>
    <message>
        <source>Processor</source>
        <translation>处理器</translation>
    </message>
    <message>
        <source>GPU</source>
        <translation>GPU</translation>
    </message>
    <message>
        <source>{count} of {all} operations do not run on the {place}.</source>
        <translation>{all} 项运算中有 {count} 项不在{place}上运行。</translation>
    </message>
    <message>
        <source>All {all} operations passed their check.</source>
        <translation>全部 {all} 项运算通过检查。</translation>
    </message>
</context>
<context>
    <name>ByteText</name>
    <message>
        <source>{part} of {whole} GB</source>
        <translation>{part} / {whole} GB</translation>
    </message>
</context>
<context>
    <name>Canvas</name>
    <message>
        <source>Picture</source>
        <translation>图片</translation>
    </message>
</context>
<context>
    <name>CanvasActions</name>
    <message>
        <source>Fit</source>
        <translation>适合窗口</translation>
    </message>
    <message>
        <source>Show all of the picture.</source>
        <translation>显示整张图片。</translation>
    </message>
    <message>
        <source>Actual size</source>
        <translation>实际大小</translation>
    </message>
    <message>
        <source>Show each pixel of the picture on one of the screen.</source>
        <translation>图片的一个像素对应屏幕的一个像素。</translation>
    </message>
    <message>
        <source>Zoom in</source>
        <translation>放大</translation>
    </message>
    <message>
        <source>Go nearer.</source>
        <translation>放大图片。</translation>
    </message>
    <message>
        <source>Zoom out</source>
        <translation>缩小</translation>
    </message>
    <message>
        <source>Go further away.</source>
        <translation>缩小图片。</translation>
    </message>
    <message>
        <source>Before and after</source>
        <translation>前后对比</translation>
    </message>
    <message>
        <source>Lay the picture before over this one.</source>
        <translation>将上一张图片叠放在这张上。</translation>
    </message>
    <message>
        <source>Side by side</source>
        <translation>并排对比</translation>
    </message>
    <message>
        <source>Show the picture before beside this one.</source>
        <translation>将上一张图片并排显示。</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>拷贝</translation>
    </message>
    <message>
        <source>Copy the picture.</source>
        <translation>拷贝图片。</translation>
    </message>
    <message>
        <source>Show in folder</source>
        <translation>在文件夹中显示</translation>
    </message>
    <message>
        <source>Show the picture&apos;s file in its folder.</source>
        <translation>在文件夹中显示图片文件。</translation>
    </message>
    <message>
        <source>Use settings</source>
        <translation>使用设置</translation>
    </message>
    <message>
        <source>Take prompt and settings from this picture.</source>
        <translation>使用这张图片的提示词和设置。</translation>
    </message>
    <message>
        <source>Use seed</source>
        <translation>使用种子</translation>
    </message>
    <message>
        <source>Take only the seed from this picture.</source>
        <translation>只使用这张图片的种子。</translation>
    </message>
    <message>
        <source>Begin from this</source>
        <translation>以此图开始</translation>
    </message>
    <message>
        <source>Begin the next picture from this one.</source>
        <translation>下一张图片从这张开始。</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>删除</translation>
    </message>
    <message>
        <source>Move the picture to the trash.</source>
        <translation>将图片移到废纸篓。</translation>
    </message>
</context>
<context>
    <name>CanvasView</name>
    <message>
        <source>Step {step} of {steps}</source>
        <translation>第 {step} 步，共 {steps} 步</translation>
    </message>
    <message>
        <source>Before</source>
        <translation>之前</translation>
    </message>
    <message>
        <source>After</source>
        <translation>之后</translation>
    </message>
    <message>
        <source>Write what you want to see, then press Generate.</source>
        <translation>写下想看到的内容，然后按“生成”。</translation>
    </message>
    <message>
        <source>seed {seed}</source>
        <translation>种子 {seed}</translation>
    </message>
</context>
<context>
    <name>ChoiceField</name>
    <message>
        <source>{label} (default)</source>
        <translation>{label}（默认）</translation>
    </message>
</context>
<context>
    <name>CompletionPopup</name>
    <message>
        <source>Suggestions</source>
        <translation>建议</translation>
    </message>
</context>
<context>
    <name>DayName</name>
    <message>
        <source>Today</source>
        <translation>今天</translation>
    </message>
    <message>
        <source>Yesterday</source>
        <translation>昨天</translation>
    </message>
    <message>
        <source>d MMMM</source>
        <comment>the form of a date; other letters stay</comment>
        <translation>M月d日</translation>
    </message>
    <message>
        <source>d MMMM yyyy</source>
        <comment>the form of a date</comment>
        <translation>yyyy年M月d日</translation>
    </message>
</context>
<context>
    <name>Drop</name>
    <message>
        <source>This is neither a model nor a picture that Aquatint can read.</source>
        <translation>这不是 Aquatint 能读取的模型或图片。</translation>
    </message>
    <message>
        <source>Use it where it is</source>
        <translation>在原处使用</translation>
    </message>
    <message>
        <source>Nothing is copied.</source>
        <translation>不拷贝文件。</translation>
    </message>
    <message>
        <source>Copy it</source>
        <translation>拷贝</translation>
    </message>
    <message>
        <source>Into Aquatint&apos;s folder of models.</source>
        <translation>到 Aquatint 的模型文件夹。</translation>
    </message>
    <message>
        <source>Move it</source>
        <translation>移动</translation>
    </message>
    <message>
        <source>Use its models</source>
        <translation>使用其中的模型</translation>
    </message>
    <message>
        <source>Where they are; new ones are found by themselves.</source>
        <translation>在原处使用；新模型会自动出现。</translation>
    </message>
    <message>
        <source>Add its pictures to the gallery</source>
        <translation>将其中的图片添加到图库</translation>
    </message>
    <message>
        <source>Where they are.</source>
        <translation>在原处。</translation>
    </message>
    <message>
        <source>A folder</source>
        <translation>文件夹</translation>
    </message>
    <message>
        <source>Add to the gallery</source>
        <translation>添加到图库</translation>
    </message>
    <message>
        <source>Where it is.</source>
        <translation>在原处。</translation>
    </message>
    <message>
        <source>{count} pictures</source>
        <translation>{count} 张图片</translation>
    </message>
    <message>
        <source>Use its settings</source>
        <translation>使用它的设置</translation>
    </message>
    <message>
        <source>Prompt, seed and all that the file tells.</source>
        <translation>提示词、种子以及文件中的一切设置。</translation>
    </message>
    <message>
        <source>Begin from it</source>
        <translation>从它开始</translation>
    </message>
    <message>
        <source>Image to image.</source>
        <translation>图生图。</translation>
    </message>
</context>
<context>
    <name>DropOverlay</name>
    <message>
        <source>What a drop would do</source>
        <translation>松开后会做什么</translation>
    </message>
</context>
<context>
    <name>Engine</name>
    <message>
        <source>Cancelled.</source>
        <translation>已取消。</translation>
    </message>
    <message>
        <source>There is not enough memory for this; choose a smaller size or batch.</source>
        <translation>内存不足；请减小尺寸或张数。</translation>
    </message>
    <message>
        <source>no memory for a picture of this size ({need} MB): make it smaller</source>
        <translation>内存放不下这个尺寸的图片（{need} MB）：请减小尺寸</translation>
    </message>
    <message>
        <source>the GPU has no memory to give</source>
        <translation>GPU 没有可用内存</translation>
    </message>
    <message>
        <source>the GPU ran out of memory: make the picture smaller or close other programs ({detail})</source>
        <translation>GPU 内存不足：请减小图片尺寸或关闭其他程序（{detail}）</translation>
    </message>
    <message>
        <source>macOS stopped the GPU because a part took too long: close other programs that use it, or make the picture smaller ({detail})</source>
        <translation>某一步耗时过长，macOS 停止了 GPU：请关闭其他占用 GPU 的程序，或减小图片尺寸（{detail}）</translation>
    </message>
    <message>
        <source>macOS lets this process use the GPU no more: the engine must be restarted ({detail})</source>
        <translation>macOS 不再允许此进程使用 GPU：需要重新启动引擎（{detail}）</translation>
    </message>
    <message>
        <source>the GPU failed: try again ({detail})</source>
        <translation>GPU 出错：请重试（{detail}）</translation>
    </message>
    <message>
        <source>the GPU is gone: the engine must be restarted ({detail})</source>
        <translation>GPU 已断开：需要重新启动引擎（{detail}）</translation>
    </message>
    <message>
        <source>numbers ran out of range before {layer} in {dtype}, so it was rerun in f32</source>
        <translation>{layer} 之前的数值超出 {dtype} 范围，已改用 f32 重新计算</translation>
    </message>
    <message>
        <source>numbers ran out of range before {layer}</source>
        <translation>{layer} 之前的数值超出范围</translation>
    </message>
    <message>
        <source>A mask needs a picture to begin from: choose one, or leave out the mask.</source>
        <translation>蒙版需要起始图片：请选择一张，或去掉蒙版。</translation>
    </message>
    <message>
        <source>The mask keeps all of the picture: paint what is to be made anew, or leave out the mask.</source>
        <translation>蒙版保留了整张图片：请涂抹要重画的部分，或去掉蒙版。</translation>
    </message>
    <message>
        <source>{name} is too large to make only a part of it: make it smaller, or choose the whole picture as the area.</source>
        <translation>{name} 太大，无法只重画一部分：请缩小图片，或选择整张图片作为区域。</translation>
    </message>
    <message>
        <source>There is no LoRA named {name}: add its file or its folder.</source>
        <translation>没有名为 {name} 的 LoRA：请添加它的文件或文件夹。</translation>
    </message>
    <message>
        <source>There is no LoRA named {name}: did you mean {names}?</source>
        <translation>没有名为 {name} 的 LoRA：是否指 {names}？</translation>
    </message>
    <message>
        <source>{name} was made for a text encoder of width {own}, and this model&apos;s is {width}, so it was read as plain words.</source>
        <translation>{name} 适用于宽度为 {own} 的文本编码器，而此模型的宽度是 {width}，因此已作为普通文字处理。</translation>
    </message>
    <message>
        <source>{name} was made for one text encoder, and this model has two, so it was read as plain words.</source>
        <translation>{name} 适用于单个文本编码器，而此模型有两个，因此已作为普通文字处理。</translation>
    </message>
    <message>
        <source>The queue could not be read; its file is kept as {aside}.</source>
        <translation>无法读取队列；其文件已保留为 {aside}。</translation>
    </message>
    <message>
        <source>{lost} of {count} jobs could not be read; they are kept in {aside}.</source>
        <translation>{count} 个任务中有 {lost} 个无法读取，已保留在 {aside} 中。</translation>
    </message>
    <message>
        <source>The strength in {tag} is no number: write it like {example}.</source>
        <translation>{tag} 中的强度不是数字：请写成 {example}。</translation>
    </message>
    <message>
        <source>{path} cannot be read as a picture: choose a PNG or JPEG.</source>
        <translation>{path} 无法作为图片读取：请选择 PNG 或 JPEG。</translation>
    </message>
    <message>
        <source>{name} is a LoRA for another model ({why}): choose one that was made for this model.</source>
        <translation>{name} 是用于其他模型的 LoRA（{why}）：请选择适用于此模型的 LoRA。</translation>
    </message>
    <message>
        <source>{name} is a DoRA, which Aquatint does not apply yet: choose a plain LoRA.</source>
        <translation>{name} 是 DoRA，Aquatint 暂不支持：请选择普通 LoRA。</translation>
    </message>
    <message>
        <source>{name} holds no LoRA of a kind that Aquatint knows: choose a LoRA, LoHa or LoKr.</source>
        <translation>{name} 不含 Aquatint 认识的 LoRA：请选择 LoRA、LoHa 或 LoKr。</translation>
    </message>
    <message>
        <source>{name} cannot be opened ({why}): check that the file is there and that you may read it.</source>
        <translation>{name} 无法打开（{why}）：请确认文件存在且有读取权限。</translation>
    </message>
    <message>
        <source>{name} cannot be read ({why}): check that it is there.</source>
        <translation>{name} 无法读取（{why}）：请确认文件存在。</translation>
    </message>
    <message>
        <source>{name} is damaged: {why}; download it again.</source>
        <translation>{name} 已损坏（{why}）；请重新下载。</translation>
    </message>
    <message>
        <source>{name} is truncated: it ends inside its header; download it again.</source>
        <translation>{name} 不完整：文件在文件头处中断；请重新下载。</translation>
    </message>
    <message>
        <source>{name} is truncated: it has {size} of {whole} bytes; download it again.</source>
        <translation>{name} 不完整：共 {whole} 字节，只有 {size} 字节；请重新下载。</translation>
    </message>
    <message>
        <source>{name} is incomplete (tensor {tensor} is missing): download it again.</source>
        <translation>{name} 不完整（缺少张量 {tensor}）：请重新下载。</translation>
    </message>
    <message>
        <source>{name} holds no {network}: choose the full checkpoint.</source>
        <translation>{name} 不含{network}：请选择完整的模型文件。</translation>
    </message>
    <message>
        <source>{name} wants to run code ({code}): use the .safetensors version of it.</source>
        <translation>{name} 想要运行代码（{code}）：请使用它的 .safetensors 版本。</translation>
    </message>
    <message>
        <source>{name} is damaged: use the .safetensors version of it.</source>
        <translation>{name} 已损坏：请使用它的 .safetensors 版本。</translation>
    </message>
    <message>
        <source>{name} is no file of torch 1.6 or later: use the .safetensors version of it.</source>
        <translation>{name} 不是 torch 1.6 或更新版本保存的文件：请使用它的 .safetensors 版本。</translation>
    </message>
    <message>
        <source>{name} holds no tensors: choose another file.</source>
        <translation>{name} 不含任何张量：请选择其他文件。</translation>
    </message>
    <message>
        <source>{name} has a header that is far too large for an image model: choose another file.</source>
        <translation>{name} 的文件头过大，不像是图像模型：请选择其他文件。</translation>
    </message>
    <message>
        <source>{name} is a GGUF file of version {version}, which Aquatint does not know: use the .safetensors version.</source>
        <translation>{name} 是版本 {version} 的 GGUF 文件，Aquatint 无法识别：请使用 .safetensors 版本。</translation>
    </message>
    <message>
        <source>{name} stores tensor &apos;{tensor}&apos; as ggml&apos;s type {kind}, which Aquatint does not know: use an f16 version of the file.</source>
        <translation>{name} 中的张量“{tensor}”采用 ggml 类型 {kind}，Aquatint 无法识别：请使用该文件的 f16 版本。</translation>
    </message>
    <message>
        <source>{name} stores tensor &apos;{tensor}&apos; as {kind}, which Aquatint does not compute with: use an f32, f16, bf16 or f8 version of the file.</source>
        <translation>{name} 中的张量“{tensor}”采用 {kind}，Aquatint 无法用它计算：请使用该文件的 f32、f16、bf16 或 f8 版本。</translation>
    </message>
    <message>
        <source>Memory was short: {savings}.</source>
        <translation>内存不足：{savings}。</translation>
    </message>
    <message>
        <source>This takes at least {need}, more than the {machine} of this machine: {act}.</source>
        <translation>这至少需要 {need}，超过了本机的 {machine}：{act}。</translation>
    </message>
    <message>
        <source>one picture of {size} would fit</source>
        <translation>一张 {size} 的图片可以放下</translation>
    </message>
    <message>
        <source>clip skip must be 1 to {most} for this model</source>
        <translation>此模型的 CLIP 跳过层数须为 1 到 {most}</translation>
    </message>
    <message>
        <source>the model cannot start from a picture: its VAE has no encoder</source>
        <translation>此模型不能从图片开始：它的 VAE 没有编码器</translation>
    </message>
    <message>
        <source>The seed must be from 0 to {last}, or -1 for a random one, not {value}.</source>
        <translation>种子须为 0 到 {last}，或用 -1 表示随机，而不是 {value}。</translation>
    </message>
    <message>
        <source>a prompt must have 1 to {most} chunks of tokens</source>
        <translation>提示词须为 1 到 {most} 段词元</translation>
    </message>
    <message>
        <source>The {field} must be from {low} to {high}, not {value}.</source>
        <translation>{field}须为 {low} 到 {high}，而不是 {value}。</translation>
    </message>
    <message>
        <source>The {field} must be a multiple of {step}: try {near}, not {value}.</source>
        <translation>{field}须为 {step} 的倍数：请用 {near}，而不是 {value}。</translation>
    </message>
    <message>
        <source>The {field} holds a NUL character; remove it.</source>
        <translation>{field}中含有空字符，请将其删除。</translation>
    </message>
    <message>
        <source>There is no file {path} to begin from.</source>
        <translation>找不到用作起始图片的文件 {path}。</translation>
    </message>
    <message>
        <source>There is no file {path} with the mask.</source>
        <translation>找不到蒙版文件 {path}。</translation>
    </message>
    <message>
        <source>Could not write into {path}: {why}.</source>
        <translation>无法写入 {path}：{why}。</translation>
    </message>
    <message>
        <source>Could not write {path}: {why}.</source>
        <translation>无法写入 {path}：{why}。</translation>
    </message>
    <message>
        <source>Could not read {path} as a picture: {what}.</source>
        <translation>无法将 {path} 读取为图片：{what}。</translation>
    </message>
    <message>
        <source>Could not read {path}: {why}.</source>
        <translation>无法读取 {path}：{why}。</translation>
    </message>
    <message>
        <source>Could not make a thumbnail of {path}: {why}.</source>
        <translation>无法为 {path} 生成缩略图：{why}。</translation>
    </message>
    <message>
        <source>{path} could not be deleted: {why}.</source>
        <translation>无法删除 {path}：{why}。</translation>
    </message>
    <message>
        <source>{path} could not be taken out of the trash: {why}.</source>
        <translation>无法从废纸篓中取回 {path}：{why}。</translation>
    </message>
    <message>
        <source>The gallery&apos;s list {path} cannot be opened: {why}.</source>
        <translation>无法打开图库列表 {path}：{why}。</translation>
    </message>
    <message>
        <source>The gallery&apos;s list could not be used: {why}.</source>
        <translation>无法使用图库列表：{why}。</translation>
    </message>
    <message>
        <source>This model was trained with zero terminal SNR, which Aquatint does not apply yet: very dark and very bright pictures may come out flat.</source>
        <translation>此模型以零终端信噪比训练，Aquatint 暂不支持：很暗或很亮的图片可能显得平淡。</translation>
    </message>
    <message>
        <source>The file names the resolution &apos;{size}&apos;, which Aquatint does not use: {own} is taken.</source>
        <translation>文件标明的分辨率“{size}”无法使用：改用 {own}。</translation>
    </message>
    <message>
        <source>{count} layers at strength 0</source>
        <translation>{count} 层的强度为 0</translation>
    </message>
    <message>
        <source>{count} layers {what} ({names})</source>
        <translation>{count} 层{what}（{names}）</translation>
    </message>
    <message>
        <source>{count} layer {what} ({names})</source>
        <translation>{count} 层{what}（{names}）</translation>
    </message>
    <message>
        <source>{name} is empty: {act}.</source>
        <translation>{name} 是空文件：{act}。</translation>
    </message>
    <message>
        <source>{name} is not a safetensors file: {act}.</source>
        <translation>{name} 不是 safetensors 文件：{act}。</translation>
    </message>
    <message>
        <source>{name} is {what}: {act}.</source>
        <translation>{name} 是{what}：{act}。</translation>
    </message>
    <message>
        <source>; </source>
        <translation>；</translation>
    </message>
    <message>
        <source>text encoder</source>
        <translation>文本编码器</translation>
    </message>
    <message>
        <source>a Stable Diffusion 2 model, which Aquatint does not open yet</source>
        <translation> Stable Diffusion 2 模型，Aquatint 暂不支持</translation>
    </message>
    <message>
        <source>{name} is a LoRA for {family}, and this model is {own}: choose a LoRA that was made for it.</source>
        <translation>{name} 是用于 {family} 的 LoRA，而当前模型是 {own}：请选择适用于它的 LoRA。</translation>
    </message>
    <message>
        <source>second text encoder</source>
        <translation>第二个文本编码器</translation>
    </message>
    <message>
        <source>a Stable Diffusion XL refiner, not a model by itself</source>
        <translation> Stable Diffusion XL 精修模型，不能单独使用</translation>
    </message>
    <message>
        <source>a Stable Diffusion 3 model, which Aquatint does not open yet</source>
        <translation> Stable Diffusion 3 模型，Aquatint 暂不支持</translation>
    </message>
    <message>
        <source>a FLUX model, which Aquatint does not open yet</source>
        <translation> FLUX 模型，Aquatint 暂不支持</translation>
    </message>
    <message>
        <source>a video model, which Aquatint does not open</source>
        <translation>视频模型，Aquatint 不支持</translation>
    </message>
    <message>
        <source>a guidance-distilled (LCM) model, which Aquatint does not open yet</source>
        <translation>引导蒸馏（LCM）模型，Aquatint 暂不支持</translation>
    </message>
    <message>
        <source>a quantized model with scales of its own, which Aquatint does not open yet</source>
        <translation>自带缩放系数的量化模型，Aquatint 暂不支持</translation>
    </message>
    <message>
        <source>an InstructPix2Pix model, which Aquatint does not open yet</source>
        <translation> InstructPix2Pix 模型，Aquatint 暂不支持</translation>
    </message>
    <message>
        <source>a LoRA, an addition to a model and not a model by itself</source>
        <translation> LoRA，是模型的附加文件，不是模型</translation>
    </message>
    <message>
        <source>a textual inversion, a word for a model and not a model by itself</source>
        <translation>文本反转嵌入，是给模型用的词，不是模型</translation>
    </message>
    <message>
        <source>a ControlNet, an addition to a model and not a model</source>
        <translation> ControlNet，是模型的附加文件，不是模型</translation>
    </message>
    <message>
        <source>a motion module, an addition to a model and not a model</source>
        <translation>运动模块，是模型的附加文件，不是模型</translation>
    </message>
    <message>
        <source>an IP-Adapter, an addition to a model and not a model</source>
        <translation> IP-Adapter，是模型的附加文件，不是模型</translation>
    </message>
    <message>
        <source>an upscaler and draws nothing from words</source>
        <translation>放大模型，不能由文字作画</translation>
    </message>
    <message>
        <source>a VAE alone, one part of a model</source>
        <translation>单独的 VAE，只是模型的一部分</translation>
    </message>
    <message>
        <source>a TAESD preview decoder, not a model by itself</source>
        <translation> TAESD 预览解码器，不能单独使用</translation>
    </message>
    <message>
        <source>a text encoder alone, one part of a model</source>
        <translation>单独的文本编码器，只是模型的一部分</translation>
    </message>
    <message>
        <source>a UNet alone, without the text encoder and the VAE</source>
        <translation>单独的 UNet，缺少文本编码器和 VAE</translation>
    </message>
    <message>
        <source>no model that Aquatint knows</source>
        <translation> Aquatint 不认识的文件</translation>
    </message>
    <message>
        <source>a Git LFS pointer and not the model itself</source>
        <translation> Git LFS 指针，不是模型本身</translation>
    </message>
    <message>
        <source>a PNG picture</source>
        <translation> PNG 图片</translation>
    </message>
    <message>
        <source>a JPEG picture</source>
        <translation> JPEG 图片</translation>
    </message>
    <message>
        <source>a WebP picture or a sound</source>
        <translation> WebP 图片或声音</translation>
    </message>
    <message>
        <source>a GIF picture</source>
        <translation> GIF 图片</translation>
    </message>
    <message>
        <source>a PDF document</source>
        <translation> PDF 文档</translation>
    </message>
    <message>
        <source>an HDF5 file</source>
        <translation> HDF5 文件</translation>
    </message>
    <message>
        <source>a gzip archive</source>
        <translation> gzip 压缩包</translation>
    </message>
    <message>
        <source>a 7-Zip archive</source>
        <translation> 7-Zip 压缩包</translation>
    </message>
    <message>
        <source>a RAR archive</source>
        <translation> RAR 压缩包</translation>
    </message>
    <message>
        <source>a zip archive</source>
        <translation> zip 压缩包</translation>
    </message>
    <message>
        <source>a web page and not the model itself</source>
        <translation>网页，不是模型本身</translation>
    </message>
    <message>
        <source>a JSON text and not a model</source>
        <translation> JSON 文本，不是模型</translation>
    </message>
    <message>
        <source>full of zeros, so its download did not finish</source>
        <translation>全为零的文件，下载没有完成</translation>
    </message>
    <message>
        <source>a pickle of torch before 1.6, which Aquatint does not open</source>
        <translation> torch 1.6 之前的 pickle 文件，Aquatint 不支持</translation>
    </message>
    <message>
        <source>choose a Stable Diffusion 1.x or XL checkpoint</source>
        <translation>请选择 Stable Diffusion 1.x 或 XL 模型</translation>
    </message>
    <message>
        <source>choose a Stable Diffusion 1.x or XL checkpoint and add the VAE to it</source>
        <translation>请选择 Stable Diffusion 1.x 或 XL 模型，再为它添加此 VAE</translation>
    </message>
    <message>
        <source>choose a Stable Diffusion 1.x or XL checkpoint and add the decoder to it</source>
        <translation>请选择 Stable Diffusion 1.x 或 XL 模型，再为它添加此解码器</translation>
    </message>
    <message>
        <source>choose the full checkpoint</source>
        <translation>请选择完整的模型文件</translation>
    </message>
    <message>
        <source>choose a .safetensors model</source>
        <translation>请选择 .safetensors 模型</translation>
    </message>
    <message>
        <source>use the f16 version</source>
        <translation>请使用 f16 版本</translation>
    </message>
    <message>
        <source>use the .safetensors version</source>
        <translation>请使用 .safetensors 版本</translation>
    </message>
    <message>
        <source>download it again</source>
        <translation>请重新下载</translation>
    </message>
    <message>
        <source>unpack it and open the .safetensors file in it</source>
        <translation>请解压后打开其中的 .safetensors 文件</translation>
    </message>
    <message>
        <source>previews were made in tiles</source>
        <translation>预览图分块生成</translation>
    </message>
    <message>
        <source>previews were small</source>
        <translation>预览图较小</translation>
    </message>
    <message>
        <source>each network was unloaded after its part and loads again next time</source>
        <translation>每个网络用完即卸载，下次重新载入</translation>
    </message>
    <message>
        <source>the pictures were made in smaller batches, one after the other</source>
        <translation>图片分成较小的批次依次生成</translation>
    </message>
    <message>
        <source>the decoder worked in tiles, which can take it half as long again</source>
        <translation>解码器分块工作，耗时可能增加一半</translation>
    </message>
    <message>
        <source>it was computed in half precision, which shows in the last digits</source>
        <translation>以半精度计算，细微之处略有差别</translation>
    </message>
    <message>
        <source>choose a smaller model</source>
        <translation>请选择较小的模型</translation>
    </message>
    <message>
        <source>it is damaged or none</source>
        <translation>文件已损坏或不是图片</translation>
    </message>
    <message>
        <source>it is damaged</source>
        <translation>文件已损坏</translation>
    </message>
    <message>
        <source>which this model does not have</source>
        <translation>在此模型中不存在</translation>
    </message>
    <message>
        <source>of a kind not known</source>
        <translation>类型未知</translation>
    </message>
    <message>
        <source>prompt</source>
        <translation>提示词</translation>
    </message>
    <message>
        <source>negative prompt</source>
        <translation>反向提示词</translation>
    </message>
    <message>
        <source>width</source>
        <translation>宽度</translation>
    </message>
    <message>
        <source>height</source>
        <translation>高度</translation>
    </message>
    <message>
        <source>steps</source>
        <translation>步数</translation>
    </message>
    <message>
        <source>CFG scale</source>
        <translation>CFG 强度</translation>
    </message>
    <message>
        <source>batch count</source>
        <translation>图片数量</translation>
    </message>
    <message>
        <source>clip skip</source>
        <translation>CLIP 跳过层数</translation>
    </message>
    <message>
        <source>denoise strength</source>
        <translation>重绘强度</translation>
    </message>
    <message>
        <source>number of LoRAs</source>
        <translation>LoRA 数量</translation>
    </message>
    <message>
        <source>strength of a LoRA</source>
        <translation>LoRA 强度</translation>
    </message>
    <message>
        <source>mask blur</source>
        <translation>蒙版羽化</translation>
    </message>
</context>
<context>
    <name>EngineClient</name>
    <message>
        <source>Cancelled.</source>
        <translation>已取消。</translation>
    </message>
    <message>
        <source>The engine no longer answered, so it was started again.</source>
        <translation>引擎没有响应，已重新启动。</translation>
    </message>
    <message>
        <source>Cancelled; the engine did not answer, so it was started again.</source>
        <translation>已取消；引擎没有响应，已重新启动。</translation>
    </message>
    <message>
        <source>The engine cannot be started: {reason}.</source>
        <translation>无法启动引擎：{reason}。</translation>
    </message>
    <message>
        <source>The engine ended while it started; install the app again if it stays.</source>
        <translation>引擎在启动时退出；若一直如此，请重新安装应用。</translation>
    </message>
    <message>
        <source>The system stopped the engine, perhaps for want of memory; it was started again. Choose a smaller size or batch if this comes back.</source>
        <translation>系统停止了引擎，可能是内存不足；引擎已重新启动。若再次发生，请减小尺寸或数量。</translation>
    </message>
    <message>
        <source>The engine crashed and was started again; choose other settings if this comes back.</source>
        <translation>引擎崩溃并已重新启动；若再次发生，请更换设置。</translation>
    </message>
</context>
<context>
    <name>FileOpener</name>
    <message>
        <source>The folder is looked at; see Models.</source>
        <translation>正在查看文件夹；结果在“模型”中。</translation>
    </message>
    <message>
        <source>{name} is the model now.</source>
        <translation>当前模型：{name}。</translation>
    </message>
    <message>
        <source>{name} is the VAE now.</source>
        <translation>当前 VAE：{name}。</translation>
    </message>
    <message>
        <source>{name} draws the previews now.</source>
        <translation>现在由 {name} 绘制预览。</translation>
    </message>
    <message>
        <source>{name} is a word for prompts now.</source>
        <translation>{name} 现在是可用于提示词的词语。</translation>
    </message>
    <message>
        <source>{name} is added to the model.</source>
        <translation>{name} 已加入模型。</translation>
    </message>
    <message>
        <source>There is a model {name} already.</source>
        <translation>已有名为 {name} 的模型。</translation>
    </message>
    <message>
        <source>{name} is on its way.</source>
        <translation>正在处理 {name}。</translation>
    </message>
</context>
<context>
    <name>FilmStrip</name>
    <message>
        <source>Pictures of the batch</source>
        <translation>本批图片</translation>
    </message>
</context>
<context>
    <name>FirstRun</name>
    <message>
        <source>Make your first picture</source>
        <translation>生成第一张图片</translation>
    </message>
    <message>
        <source>A small model is ready. Press the button, or type your own words.</source>
        <translation>小模型已就绪。按下按钮，或输入你自己的文字。</translation>
    </message>
    <message>
        <source>Make “{prompt}”</source>
        <translation>生成“{prompt}”</translation>
    </message>
    <message>
        <source>Makes a picture of these words.</source>
        <translation>用这些文字生成一张图片。</translation>
    </message>
    <message>
        <source>It draws about 1,360 things that have an emoji, at 256 x 256, and knows no photos, faces or artists. For those, drop a Stable Diffusion 1.5 model onto this window.</source>
        <translation>它能画约 1360 种有表情符号的事物，尺寸为 256 x 256，只懂英文，不会画照片、人脸或艺术家风格。需要这些时，请将 Stable Diffusion 1.5 模型拖到此窗口。</translation>
    </message>
    <message>
        <source>Choose a model…</source>
        <translation>选择模型…</translation>
    </message>
    <message>
        <source>Opens the list of models, where folders and files can be added.</source>
        <translation>打开模型列表，可在其中添加文件夹和文件。</translation>
    </message>
</context>
<context>
    <name>Forecast</name>
    <message>
        <source>Needs {need}</source>
        <translation>需要 {need}</translation>
    </message>
    <message>
        <source>Needs {need} of {free} free</source>
        <translation>需要 {need}，可用 {free}</translation>
    </message>
    <message>
        <source>Needs {need}, more than the {total} of this machine</source>
        <translation>需要 {need}，超过这台电脑的 {total}</translation>
    </message>
    <message>
        <source>Needs {need}, but only {free} are free</source>
        <translation>需要 {need}，但只有 {free} 可用</translation>
    </message>
    <message>
        <source>; will {savings}</source>
        <translation>；将{savings}</translation>
    </message>
    <message>
        <source>make previews in tiles</source>
        <translation>分块生成预览</translation>
    </message>
    <message>
        <source>show small previews</source>
        <translation>只显示小预览</translation>
    </message>
    <message>
        <source>unload each network after its part (it loads again next time)</source>
        <translation>用完每个网络就卸载（下次重新载入）</translation>
    </message>
    <message>
        <source>make smaller batches</source>
        <translation>分小批生成</translation>
    </message>
    <message>
        <source>tile the decoder (up to half as long again)</source>
        <translation>分块解码（最多慢一半）</translation>
    </message>
    <message>
        <source>compute in half precision</source>
        <translation>以半精度计算</translation>
    </message>
    <message>
        <source>, </source>
        <translation>，</translation>
    </message>
    <message>
        <source>{forecast}. {advice}</source>
        <translation>{forecast}。{advice}</translation>
    </message>
    <message>
        <source>One picture at a time needs {need}.</source>
        <translation>每次一张需要 {need}。</translation>
    </message>
    <message>
        <source>One picture of {size} needs {need}.</source>
        <translation>一张 {size} 的图片需要 {need}。</translation>
    </message>
</context>
<context>
    <name>GalleryFilters</name>
    <message>
        <source>Show only picks</source>
        <translation>只显示精选</translation>
    </message>
    <message>
        <source>Show only rejects</source>
        <translation>只显示排除</translation>
    </message>
    <message>
        <source>Search words, models</source>
        <translation>搜索文字、模型</translation>
    </message>
    <message>
        <source>Search by words of the prompt, the model or a LoRA; &quot;in quotes&quot; together, -word leaves out</source>
        <translation>按提示词、模型或 LoRA 中的词搜索；加英文引号表示连在一起，-词 表示排除</translation>
    </message>
    <message>
        <source>Search the gallery</source>
        <translation>搜索图库</translation>
    </message>
    <message>
        <source>Order, date, model and LoRA</source>
        <translation>排序、日期、模型和 LoRA</translation>
    </message>
    <message>
        <source>Newest first</source>
        <translation>最新优先</translation>
    </message>
    <message>
        <source>Oldest first</source>
        <translation>最早优先</translation>
    </message>
    <message>
        <source>Best rated first</source>
        <translation>评分最高优先</translation>
    </message>
    <message>
        <source>Any date</source>
        <translation>任何日期</translation>
    </message>
    <message>
        <source>Today</source>
        <translation>今天</translation>
    </message>
    <message>
        <source>Last 7 days</source>
        <translation>最近 7 天</translation>
    </message>
    <message>
        <source>Last 30 days</source>
        <translation>最近 30 天</translation>
    </message>
    <message>
        <source>Last 12 months</source>
        <translation>最近 12 个月</translation>
    </message>
    <message>
        <source>Any model</source>
        <translation>任何模型</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>With or without</source>
        <translation>不限</translation>
    </message>
    <message>
        <source>LoRA</source>
        <translation>LoRA</translation>
    </message>
</context>
<context>
    <name>GalleryGrid</name>
    <message>
        <source>Pictures</source>
        <translation>图片</translation>
    </message>
</context>
<context>
    <name>GalleryView</name>
    <message>
        <source>Show all</source>
        <translation>显示全部</translation>
    </message>
    <message>
        <source>Show all pictures</source>
        <translation>显示全部图片</translation>
    </message>
    <message>
        <source>Size of the pictures in the gallery</source>
        <translation>图库中图片的大小</translation>
    </message>
    <message>
        <source>Size of the pictures</source>
        <translation>图片大小</translation>
    </message>
    <message>
        <source>{0} of {1} selected</source>
        <translation>已选 {0} 张，共 {1} 张</translation>
    </message>
    <message>
        <source>{0} of {1} pictures</source>
        <translation>{0} 张，共 {1} 张</translation>
    </message>
    <message>
        <source>1 picture</source>
        <translation>1 张图片</translation>
    </message>
    <message>
        <source>{0} pictures</source>
        <translation>{0} 张图片</translation>
    </message>
    <message>
        <source>No picture is like that.</source>
        <translation>没有符合的图片。</translation>
    </message>
    <message>
        <source>Pictures that you make are kept here.
Drop others here to add them.</source>
        <translation>你生成的图片保存在这里。
也可将其他图片拖到这里。</translation>
    </message>
    <message>
        <source>Picture deleted</source>
        <translation>已删除图片</translation>
    </message>
    <message numerus="yes">
        <source>%n pictures deleted</source>
        <translation>
            <numerusform>已删除 %n 张图片</numerusform>
        </translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>详情</translation>
    </message>
    <message>
        <source>Show</source>
        <translation>显示</translation>
    </message>
    <message>
        <source>Compare</source>
        <translation>对比</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>拷贝</translation>
    </message>
    <message>
        <source>Show in Finder</source>
        <translation>在访达中显示</translation>
    </message>
    <message>
        <source>Show in folder</source>
        <translation>在文件夹中显示</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>删除</translation>
    </message>
    <message>
        <source>Use these settings</source>
        <translation>使用这些设置</translation>
    </message>
    <message>
        <source>Use this seed</source>
        <translation>使用此种子</translation>
    </message>
    <message>
        <source>Use as image to image</source>
        <translation>用于图生图</translation>
    </message>
    <message>
        <source>Rating</source>
        <translation>评分</translation>
    </message>
    <message>
        <source>No stars</source>
        <translation>无星</translation>
    </message>
    <message>
        <source>Pick</source>
        <translation>精选</translation>
    </message>
    <message>
        <source>Reject</source>
        <translation>排除</translation>
    </message>
    <message>
        <source>No flag</source>
        <translation>无标记</translation>
    </message>
    <message>
        <source>Let go to add to the gallery</source>
        <translation>松开以添加到图库</translation>
    </message>
</context>
<context>
    <name>GenerationPanel</name>
    <message>
        <source>A quick picture follows as you type.</source>
        <translation>边输入边生成快速预览图。</translation>
    </message>
    <message>
        <source>Add another picture to the queue.</source>
        <translation>再添加一张图片到队列。</translation>
    </message>
    <message>
        <source>Cancelling…</source>
        <translation>正在取消…</translation>
    </message>
    <message>
        <source>The picture ends within a moment.</source>
        <translation>图片即将停止。</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Stop the picture that is being made.</source>
        <translation>停止正在生成的图片。</translation>
    </message>
    <message>
        <source>Generate {count} pictures</source>
        <translation>生成 {count} 张图片</translation>
    </message>
    <message>
        <source>Make these pictures.</source>
        <translation>生成这些图片。</translation>
    </message>
    <message>
        <source>Generate</source>
        <translation>生成</translation>
    </message>
    <message>
        <source>Make this picture.</source>
        <translation>生成这张图片。</translation>
    </message>
</context>
<context>
    <name>ImportReport</name>
    <message>
        <source>1 picture added.</source>
        <translation>已添加 1 张图片。</translation>
    </message>
    <message>
        <source>Some settings could not be restored.</source>
        <translation>部分设置无法恢复。</translation>
    </message>
</context>
<context>
    <name>ImportReportDialog</name>
    <message>
        <source>Added pictures</source>
        <translation>已添加的图片</translation>
    </message>
    <message>
        <source>What could not be read or restored</source>
        <translation>无法读取或恢复的内容</translation>
    </message>
    <message>
        <source>{0}: not restored</source>
        <translation>{0}：未恢复</translation>
    </message>
</context>
<context>
    <name>InitImagePanel</name>
    <message>
        <source>Choose another picture.</source>
        <translation>选择另一张图片。</translation>
    </message>
    <message>
        <source>Begin from noise again.</source>
        <translation>重新从噪声开始。</translation>
    </message>
    <message>
        <source>Strength</source>
        <translation>强度</translation>
    </message>
    <message>
        <source>How much of the picture is painted over: 0 keeps it, 1 forgets it.</source>
        <translation>重绘的程度：0 保留原图，1 完全重绘。</translation>
    </message>
    <message>
        <source>Remove the mask.</source>
        <translation>移除蒙版。</translation>
    </message>
    <message>
        <source>Begin from a picture</source>
        <translation>从图片开始</translation>
    </message>
    <message>
        <source>Pictures ({patterns})</source>
        <translation>图片 ({patterns})</translation>
    </message>
    <message>
        <source>{name} cannot be read as a picture: choose a PNG or JPEG.</source>
        <translation>无法将 {name} 读取为图片：请选择 PNG 或 JPEG。</translation>
    </message>
    <message>
        <source>The file is gone: choose another.</source>
        <translation>文件已不存在：请另选一张。</translation>
    </message>
    <message>
        <source>Edit mask</source>
        <translation>编辑蒙版</translation>
    </message>
    <message>
        <source>Paint mask</source>
        <translation>绘制蒙版</translation>
    </message>
    <message>
        <source>Only what is painted is made anew: change what that is.</source>
        <translation>只重新生成涂抹的部分：更改涂抹范围。</translation>
    </message>
    <message>
        <source>Paint over what is to be made anew, and keep the rest.</source>
        <translation>涂抹要重新生成的部分，保留其余部分。</translation>
    </message>
    <message>
        <source>Only small things change.</source>
        <translation>只改变细节。</translation>
    </message>
    <message>
        <source>Keeps what is where, and changes how it looks.</source>
        <translation>保留布局，改变外观。</translation>
    </message>
    <message>
        <source>Keeps little but colours and large shapes.</source>
        <translation>只保留颜色和大致形状。</translation>
    </message>
</context>
<context>
    <name>InitImageSection</name>
    <message>
        <source>This model cannot begin from a picture: its VAE has no encoder.</source>
        <translation>此模型不能从图片开始：它的 VAE 没有编码器。</translation>
    </message>
    <message>
        <source>This model is made to paint into a picture: begin from one and paint a mask on it.</source>
        <translation>此模型用于局部重绘：请选择一张起始图片，并在上面绘制蒙版。</translation>
    </message>
</context>
<context>
    <name>JobList</name>
    <message>
        <source>Queue</source>
        <translation>队列</translation>
    </message>
</context>
<context>
    <name>JobProgress</name>
    <message>
        <source>Progress of the picture</source>
        <translation>图片的进度</translation>
    </message>
    <message>
        <source>Stop this picture.</source>
        <translation>停止这张图片。</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
</context>
<context>
    <name>JobQueue</name>
    <message>
        <source>Aquatint ended twice while it made this picture; try it again.</source>
        <translation>生成这张图片时 Aquatint 退出了两次；请重试。</translation>
    </message>
</context>
<context>
    <name>JobWords</name>
    <message>
        <source>No prompt</source>
        <translation>无提示词</translation>
    </message>
    <message>
        <source>Mini model</source>
        <translation>小模型</translation>
    </message>
    <message>
        <source>1 step</source>
        <translation>1 步</translation>
    </message>
    <message>
        <source>{count} steps</source>
        <translation>{count} 步</translation>
    </message>
    <message>
        <source>{count} pictures</source>
        <translation>{count} 张图片</translation>
    </message>
    <message>
        <source>Waiting</source>
        <translation>等待中</translation>
    </message>
    <message>
        <source>Done</source>
        <translation>完成</translation>
    </message>
    <message>
        <source>Failed</source>
        <translation>失败</translation>
    </message>
    <message>
        <source>Cancelled</source>
        <translation>已取消</translation>
    </message>
    <message>
        <source>Step {step} of {steps}</source>
        <translation>第 {step} 步，共 {steps} 步</translation>
    </message>
    <message>
        <source>Finishing</source>
        <translation>即将完成</translation>
    </message>
    <message>
        <source>Reading the prompt</source>
        <translation>正在读取提示词</translation>
    </message>
    <message>
        <source>Starting</source>
        <translation>正在开始</translation>
    </message>
    <message>
        <source>{rate} it/s</source>
        <translation>{rate} 步/秒</translation>
    </message>
    <message>
        <source>{seconds} s/it</source>
        <translation>{seconds} 秒/步</translation>
    </message>
    <message>
        <source>{seconds} s left</source>
        <translation>剩余 {seconds} 秒</translation>
    </message>
    <message>
        <source>{minutes} min left</source>
        <translation>剩余 {minutes} 分钟</translation>
    </message>
    <message>
        <source>{hours} h {minutes} min left</source>
        <translation>剩余 {hours} 小时 {minutes} 分钟</translation>
    </message>
</context>
<context>
    <name>Licences</name>
    <message>
        <source>Licences</source>
        <translation>许可证</translation>
    </message>
    <message>
        <source>Parts of Aquatint</source>
        <translation>Aquatint 的组成部分</translation>
    </message>
    <message>
        <source>Text of the licence</source>
        <translation>许可证正文</translation>
    </message>
    <message>
        <source>Done</source>
        <translation>完成</translation>
    </message>
    <message>
        <source>Closes this window.</source>
        <translation>关闭此窗口。</translation>
    </message>
</context>
<context>
    <name>LoraChooser</name>
    <message>
        <source>Search LoRAs</source>
        <translation>搜索 LoRA</translation>
    </message>
    <message>
        <source>LoRAs</source>
        <translation>LoRA</translation>
    </message>
    <message>
        <source>LoRAs that were made for other models are not listed: {count}.</source>
        <translation>未列出 {count} 个适用于其他模型的 LoRA。</translation>
    </message>
    <message>
        <source>There is no LoRA yet: drop a file onto the window, or add a folder in Models.</source>
        <translation>还没有 LoRA：将文件拖到窗口中，或在“模型”中添加文件夹。</translation>
    </message>
</context>
<context>
    <name>LoraPanel</name>
    <message>
        <source>Add a LoRA.</source>
        <translation>添加 LoRA。</translation>
    </message>
    <message>
        <source>LoRA</source>
        <translation>LoRA</translation>
    </message>
    <message>
        <source>{name}: {applied} of {layers} layers</source>
        <translation>{name}：{layers} 层中的 {applied} 层</translation>
    </message>
</context>
<context>
    <name>LoraRow</name>
    <message>
        <source>Take this LoRA out.</source>
        <translation>移除此 LoRA。</translation>
    </message>
    <message>
        <source>Strength of {name}</source>
        <translation>{name} 的强度</translation>
    </message>
    <message>
        <source>How strong the LoRA is: 0 is nothing, below 0 the opposite.</source>
        <translation>LoRA 的强度：0 表示无作用，小于 0 表示相反的作用。</translation>
    </message>
    <message>
        <source>Add this word, which the LoRA was trained with.</source>
        <translation>添加此词语，LoRA 是用它训练的。</translation>
    </message>
    <message>
        <source>{applied} of {layers} layers</source>
        <translation>{layers} 层中的 {applied} 层</translation>
    </message>
</context>
<context>
    <name>MainWindow</name>
    <message>
        <source>Toolbar</source>
        <translation>工具栏</translation>
    </message>
    <message>
        <source>Shows or hides the sidebar.</source>
        <translation>显示或隐藏边栏。</translation>
    </message>
    <message>
        <source>Shows or hides the gallery beside the picture.</source>
        <translation>显示或隐藏图片旁的图库。</translation>
    </message>
    <message>
        <source>What the engine runs on.</source>
        <translation>引擎运行于什么设备。</translation>
    </message>
    <message>
        <source>Create</source>
        <translation>创作</translation>
    </message>
    <message>
        <source>Make pictures.</source>
        <translation>生成图片。</translation>
    </message>
    <message>
        <source>Gallery</source>
        <translation>图库</translation>
    </message>
    <message>
        <source>Look through all pictures.</source>
        <translation>浏览所有图片。</translation>
    </message>
    <message>
        <source>View</source>
        <translation>显示</translation>
    </message>
</context>
<context>
    <name>MaskDesk</name>
    <message>
        <source>The picture cannot be read: choose another to paint on.</source>
        <translation>无法读取图片：请另选一张来涂抹。</translation>
    </message>
    <message>
        <source>The mask could not be kept: {error}</source>
        <translation>无法保存蒙版：{error}</translation>
    </message>
</context>
<context>
    <name>MaskEditor</name>
    <message>
        <source>Paint what is to be made anew.</source>
        <translation>涂抹要重新生成的部分。</translation>
    </message>
    <message>
        <source>Erase; alt does so while it is held.</source>
        <translation>擦除；按住 Alt 也可擦除。</translation>
    </message>
    <message>
        <source>Brush</source>
        <translation>画笔</translation>
    </message>
    <message>
        <source>Feather</source>
        <translation>羽化</translation>
    </message>
    <message>
        <source>Take back the last stroke.</source>
        <translation>撤销上一笔。</translation>
    </message>
    <message>
        <source>Do the stroke again.</source>
        <translation>重做这一笔。</translation>
    </message>
    <message>
        <source>Swap what is painted and kept.</source>
        <translation>交换涂抹与保留的部分。</translation>
    </message>
    <message>
        <source>Keep all of the picture.</source>
        <translation>保留整张图片。</translation>
    </message>
    <message>
        <source>Done</source>
        <translation>完成</translation>
    </message>
    <message>
        <source>How wide the brush is; the keys [ and ] change it, too.</source>
        <translation>画笔的宽度；也可用 [ 和 ] 键调整。</translation>
    </message>
    <message>
        <source>How soft the edge between painted and kept becomes.</source>
        <translation>涂抹与保留部分之间边缘的柔和程度。</translation>
    </message>
    <message>
        <source>Back to the picture; the mask is kept.</source>
        <translation>回到图片；蒙版会保留。</translation>
    </message>
    <message>
        <source>Paint over what is to be made anew; the rest stays as it is.</source>
        <translation>涂抹要重新生成的部分，其余保持不变。</translation>
    </message>
</context>
<context>
    <name>MaskPainter</name>
    <message>
        <source>Mask</source>
        <translation>蒙版</translation>
    </message>
</context>
<context>
    <name>MaskSettings</name>
    <message>
        <source>Begins from</source>
        <translation>起始内容</translation>
    </message>
    <message>
        <source>Made anew</source>
        <translation>重画区域</translation>
    </message>
    <message>
        <source>Padding</source>
        <translation>边距</translation>
    </message>
    <message>
        <source>What is there</source>
        <translation>原图</translation>
    </message>
    <message>
        <source>Colours around it</source>
        <translation>周围的颜色</translation>
    </message>
    <message>
        <source>Latent noise</source>
        <translation>潜空间噪声</translation>
    </message>
    <message>
        <source>Latent nothing</source>
        <translation>空白潜空间</translation>
    </message>
    <message>
        <source>Whole picture</source>
        <translation>整张图片</translation>
    </message>
    <message>
        <source>Only masked</source>
        <translation>仅蒙版区域</translation>
    </message>
    <message>
        <source>What the painted part begins from; with less strength more of it stays.</source>
        <translation>涂抹部分从什么开始；强度越低，保留得越多。</translation>
    </message>
    <message>
        <source>“Only masked” makes the painted part at the full size and puts it back.</source>
        <translation>“仅蒙版区域”以完整尺寸重画涂抹部分，再放回原图。</translation>
    </message>
    <message>
        <source>How many pixels around the painted part are seen while it is made.</source>
        <translation>重画时会看到涂抹部分周围多少像素。</translation>
    </message>
</context>
<context>
    <name>MemoryCard</name>
    <message>
        <source>Memory</source>
        <translation>内存</translation>
    </message>
    <message>
        <source>Engine</source>
        <translation>引擎</translation>
    </message>
    <message>
        <source>Everything else</source>
        <translation>其他</translation>
    </message>
    <message>
        <source>Next picture</source>
        <translation>下一张图片</translation>
    </message>
    <message>
        <source>last 5 minutes</source>
        <translation>最近 5 分钟</translation>
    </message>
    <message>
        <source>This machine</source>
        <translation>这台电脑</translation>
    </message>
    <message>
        <source>All memory of this machine in use.</source>
        <translation>这台电脑已使用的全部内存。</translation>
    </message>
    <message>
        <source>Free for a picture</source>
        <translation>可用于图片</translation>
    </message>
    <message>
        <source>What is free, and the engine&apos;s own.</source>
        <translation>空闲内存加引擎已占用的内存。</translation>
    </message>
    <message>
        <source>Engine process</source>
        <translation>引擎进程</translation>
    </message>
    <message>
        <source>All that the engine&apos;s process uses.</source>
        <translation>引擎进程使用的全部内存。</translation>
    </message>
    <message>
        <source>Held by the engine</source>
        <translation>引擎占用</translation>
    </message>
    <message>
        <source>Weights and room to compute, now.</source>
        <translation>当前的权重与计算空间。</translation>
    </message>
    <message>
        <source>Held for the GPU</source>
        <translation>GPU 占用</translation>
    </message>
    <message>
        <source>Of what the system advises to stay under.</source>
        <translation>与系统建议的上限相比。</translation>
    </message>
    <message>
        <source>Next picture, weights</source>
        <translation>下一张，权重</translation>
    </message>
    <message>
        <source>The model itself.</source>
        <translation>模型本身。</translation>
    </message>
    <message>
        <source>Next picture, activations</source>
        <translation>下一张，计算空间</translation>
    </message>
    <message>
        <source>Room to compute in; grows with size and batch.</source>
        <translation>计算所需空间；随尺寸和数量增长。</translation>
    </message>
    <message>
        <source>Next picture, at its peak</source>
        <translation>下一张，峰值</translation>
    </message>
    <message>
        <source>The most that is needed at one time.</source>
        <translation>同一时刻最多需要的内存。</translation>
    </message>
    <message>
        <source>The system is short of memory.</source>
        <translation>系统内存不足。</translation>
    </message>
    <message>
        <source>The machine is hot, so it computes more slowly.</source>
        <translation>机器过热，计算会变慢。</translation>
    </message>
    <message>
        <source>Low-power mode is on.</source>
        <translation>低电量模式已开启。</translation>
    </message>
</context>
<context>
    <name>MemoryGraph</name>
    <message>
        <source>Memory over the last five minutes</source>
        <translation>最近五分钟的内存</translation>
    </message>
</context>
<context>
    <name>MemoryPill</name>
    <message>
        <source>Memory</source>
        <translation>内存</translation>
    </message>
    <message>
        <source>Shows what the engine and this machine use.</source>
        <translation>显示引擎和这台电脑的用量。</translation>
    </message>
    <message>
        <source>The engine uses {used} of {total}; press for more.</source>
        <translation>引擎使用 {used}，共 {total}；点按查看更多。</translation>
    </message>
</context>
<context>
    <name>Menus</name>
    <message>
        <source>File</source>
        <translation>文件</translation>
    </message>
    <message>
        <source>Edit</source>
        <translation>编辑</translation>
    </message>
    <message>
        <source>Picture</source>
        <translation>图片</translation>
    </message>
    <message>
        <source>View</source>
        <translation>显示</translation>
    </message>
    <message>
        <source>Queue</source>
        <translation>队列</translation>
    </message>
    <message>
        <source>Window</source>
        <translation>窗口</translation>
    </message>
    <message>
        <source>Help</source>
        <translation>帮助</translation>
    </message>
    <message>
        <source>Open…</source>
        <translation>打开…</translation>
    </message>
    <message>
        <source>Add pictures to the gallery…</source>
        <translation>将图片添加到图库…</translation>
    </message>
    <message>
        <source>Models…</source>
        <translation>模型…</translation>
    </message>
    <message>
        <source>Show the folder of pictures</source>
        <translation>显示图片文件夹</translation>
    </message>
    <message>
        <source>Close window</source>
        <translation>关闭窗口</translation>
    </message>
    <message>
        <source>Quit Aquatint</source>
        <translation>退出 Aquatint</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>Redo</source>
        <translation>重做</translation>
    </message>
    <message>
        <source>Cut</source>
        <translation>剪切</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>拷贝</translation>
    </message>
    <message>
        <source>Paste</source>
        <translation>粘贴</translation>
    </message>
    <message>
        <source>Select all</source>
        <translation>全选</translation>
    </message>
    <message>
        <source>Find in the gallery</source>
        <translation>在图库中查找</translation>
    </message>
    <message>
        <source>Preferences…</source>
        <translation>偏好设置…</translation>
    </message>
    <message>
        <source>Generate</source>
        <translation>生成</translation>
    </message>
    <message>
        <source>Generate before all that wait</source>
        <translation>优先生成</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Live</source>
        <translation>实时</translation>
    </message>
    <message>
        <source>Write the prompt</source>
        <translation>编写提示词</translation>
    </message>
    <message>
        <source>Create</source>
        <translation>创作</translation>
    </message>
    <message>
        <source>Gallery</source>
        <translation>图库</translation>
    </message>
    <message>
        <source>Sidebar</source>
        <translation>边栏</translation>
    </message>
    <message>
        <source>Gallery beside the picture</source>
        <translation>图片旁的图库</translation>
    </message>
    <message>
        <source>Newer picture</source>
        <translation>较新的图片</translation>
    </message>
    <message>
        <source>Older picture</source>
        <translation>较早的图片</translation>
    </message>
    <message>
        <source>Full screen</source>
        <translation>全屏幕</translation>
    </message>
    <message>
        <source>Show the queue</source>
        <translation>显示队列</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>暂停</translation>
    </message>
    <message>
        <source>Cancel all</source>
        <translation>全部取消</translation>
    </message>
    <message>
        <source>Clear what has ended</source>
        <translation>清除已结束的</translation>
    </message>
    <message>
        <source>Minimise</source>
        <translation>最小化</translation>
    </message>
    <message>
        <source>Zoom</source>
        <translation>缩放</translation>
    </message>
    <message>
        <source>Memory</source>
        <translation>内存</translation>
    </message>
    <message>
        <source>Engine…</source>
        <translation>引擎…</translation>
    </message>
    <message>
        <source>About Aquatint</source>
        <translation>关于 Aquatint</translation>
    </message>
</context>
<context>
    <name>ModelButton</name>
    <message>
        <source>No model</source>
        <translation>无模型</translation>
    </message>
    <message>
        <source>Choose one to begin</source>
        <translation>请选择一个模型</translation>
    </message>
    <message>
        <source>Model {name}</source>
        <translation>模型 {name}</translation>
    </message>
    <message>
        <source>{name}: choose another model.</source>
        <translation>{name}：选择其他模型。</translation>
    </message>
</context>
<context>
    <name>ModelList</name>
    <message>
        <source>Comes with the app</source>
        <translation>随应用附带</translation>
    </message>
</context>
<context>
    <name>ModelListModel</name>
    <message>
        <source>Needs {0}</source>
        <translation>需要 {0}</translation>
    </message>
    <message>
        <source>Needs {0} of {1} free</source>
        <translation>需要 {0}，可用 {1}</translation>
    </message>
</context>
<context>
    <name>ModelPicker</name>
    <message>
        <source>Add folder…</source>
        <translation>添加文件夹…</translation>
    </message>
    <message>
        <source>Use this model</source>
        <translation>使用此模型</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>The model&apos;s own</source>
        <translation>模型自带</translation>
    </message>
    <message>
        <source>Folders…</source>
        <translation>文件夹…</translation>
    </message>
    <message>
        <source>{0} of memory free</source>
        <translation>可用内存 {0}</translation>
    </message>
    <message>
        <source>Search models</source>
        <translation>搜索模型</translation>
    </message>
    <message>
        <source>Search by words of the name, the family or the file</source>
        <translation>按名称、系列或文件搜索</translation>
    </message>
    <message>
        <source>VAE</source>
        <translation>VAE</translation>
    </message>
    <message>
        <source>Another VAE turns latents into pixels in other colours</source>
        <translation>不同的 VAE 会让图片的色彩不同</translation>
    </message>
    <message>
        <source>Choose where Aquatint looks for models</source>
        <translation>选择 Aquatint 查找模型的位置</translation>
    </message>
    <message>
        <source>Show the file</source>
        <translation>显示文件</translation>
    </message>
    <message>
        <source>Use the models of {0}</source>
        <translation>使用 {0} 的模型</translation>
    </message>
    <message>
        <source>Show the folder</source>
        <translation>显示文件夹</translation>
    </message>
    <message>
        <source>Stop looking there</source>
        <translation>不再查看此处</translation>
    </message>
    <message>
        <source>Looking for models…</source>
        <translation>正在查找模型…</translation>
    </message>
    <message>
        <source>No model is called that.</source>
        <translation>没有这个名称的模型。</translation>
    </message>
    <message>
        <source>or drop a model file here</source>
        <translation>或将模型文件拖到这里</translation>
    </message>
    <message>
        <source>Let go to add</source>
        <translation>松开以添加</translation>
    </message>
</context>
<context>
    <name>ModelShelf</name>
    <message>
        <source>Small model that comes with the app</source>
        <translation>随应用附带的小模型</translation>
    </message>
</context>
<context>
    <name>NumberField</name>
    <message>
        <source>{name} goes in steps of {multiple}: {typed} became {near}.</source>
        <translation>{name}以 {multiple} 为单位：{typed} 已改为 {near}。</translation>
    </message>
    <message>
        <source>{name} keeps {decimals} decimals: {typed} became {near}.</source>
        <translation>{name}保留 {decimals} 位小数：{typed} 已改为 {near}。</translation>
    </message>
    <message>
        <source>{name} goes from {low} to {high}: {typed} became {near}.</source>
        <translation>{name}的范围是 {low} 到 {high}：{typed} 已改为 {near}。</translation>
    </message>
    <message>
        <source>{name} is a number, which “{typed}” is not: {standing} stays.</source>
        <translation>{name}应为数字，“{typed}”不是：保留 {standing}。</translation>
    </message>
</context>
<context>
    <name>PictureDesk</name>
    <message>
        <source>Some settings of the picture could not be restored.</source>
        <translation>图片的部分设置无法恢复。</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>详情</translation>
    </message>
    <message>
        <source>{name} can no longer be read.</source>
        <translation>无法再读取 {name}。</translation>
    </message>
    <message>
        <source>This model cannot begin from a picture: choose another model first.</source>
        <translation>此模型不能从图片开始：请先选择其他模型。</translation>
    </message>
    <message>
        <source>Prompt, seed and settings are those of the picture.</source>
        <translation>已使用这张图片的提示词、种子和设置。</translation>
    </message>
</context>
<context>
    <name>PictureImport</name>
    <message>
        <source>{name} is damaged or no picture.</source>
        <translation>{name} 已损坏或不是图片。</translation>
    </message>
</context>
<context>
    <name>PictureWell</name>
    <message>
        <source>Picture to begin from</source>
        <translation>起始图片</translation>
    </message>
    <message>
        <source>Drop a picture here, or click to choose one.</source>
        <translation>将图片拖到这里，或点按选择。</translation>
    </message>
    <message>
        <source>Drop a picture to begin from,
or click to choose one</source>
        <translation>拖入起始图片，
或点按选择</translation>
    </message>
</context>
<context>
    <name>Preferences</name>
    <message>
        <source>Preferences</source>
        <translation>偏好设置</translation>
    </message>
    <message>
        <source>Folders of models</source>
        <translation>模型文件夹</translation>
    </message>
    <message>
        <source>A folder with models in it</source>
        <translation>包含模型的文件夹</translation>
    </message>
    <message>
        <source>More folders of pictures</source>
        <translation>更多图片文件夹</translation>
    </message>
    <message>
        <source>A folder with pictures in it</source>
        <translation>包含图片的文件夹</translation>
    </message>
    <message>
        <source>Model folders</source>
        <translation>模型文件夹</translation>
    </message>
    <message>
        <source>Picture folders</source>
        <translation>图片文件夹</translation>
    </message>
    <message>
        <source>System</source>
        <translation>跟随系统</translation>
    </message>
    <message>
        <source>Follows the system at once.</source>
        <translation>立即跟随系统外观。</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>浅色</translation>
    </message>
    <message>
        <source>Always light.</source>
        <translation>始终浅色。</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>深色</translation>
    </message>
    <message>
        <source>Always dark.</source>
        <translation>始终深色。</translation>
    </message>
    <message>
        <source>Appearance</source>
        <translation>外观</translation>
    </message>
    <message>
        <source>The language of the window.</source>
        <translation>窗口的语言。</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>语言</translation>
    </message>
    <message>
        <source>As the system</source>
        <translation>跟随系统</translation>
    </message>
    <message>
        <source>When a long job is done behind other windows</source>
        <translation>耗时任务在后台完成时</translation>
    </message>
    <message>
        <source>Shows a note of the system.</source>
        <translation>显示系统通知。</translation>
    </message>
    <message>
        <source>Notifications</source>
        <translation>通知</translation>
    </message>
    <message>
        <source>Check for new versions when Aquatint opens</source>
        <translation>打开 Aquatint 时检查新版本</translation>
    </message>
    <message>
        <source>Asks one address on the web and tells it nothing. Otherwise nothing is asked.</source>
        <translation>只询问网上的一个地址，不告诉它任何信息。除此之外什么也不问。</translation>
    </message>
    <message>
        <source>Versions</source>
        <translation>版本</translation>
    </message>
    <message>
        <source>Choose…</source>
        <translation>选择…</translation>
    </message>
    <message>
        <source>Chooses where finished pictures are kept.</source>
        <translation>选择保存图片的位置。</translation>
    </message>
    <message>
        <source>Pictures</source>
        <translation>图片</translation>
    </message>
    <message>
        <source>Language and pictures folder change at the next start.</source>
        <translation>语言和图片文件夹在下次启动时更改。</translation>
    </message>
    <message>
        <source>Restart Aquatint</source>
        <translation>重新启动 Aquatint</translation>
    </message>
    <message>
        <source>Ends Aquatint and opens it again; the queue goes on.</source>
        <translation>退出并重新打开 Aquatint；队列会继续。</translation>
    </message>
    <message>
        <source>Folder for pictures</source>
        <translation>图片文件夹</translation>
    </message>
</context>
<context>
    <name>PromptPanel</name>
    <message>
        <source>Prompt</source>
        <translation>提示词</translation>
    </message>
    <message>
        <source>Negative prompt</source>
        <translation>反向提示词</translation>
    </message>
    <message>
        <source>What is to be seen</source>
        <translation>想看到的内容</translation>
    </message>
    <message>
        <source>The words of what is to be seen.</source>
        <translation>描述想看到的内容。</translation>
    </message>
    <message>
        <source>What is not to be seen</source>
        <translation>不想看到的内容</translation>
    </message>
    <message>
        <source>The words of what is not to be seen.</source>
        <translation>描述不想看到的内容。</translation>
    </message>
    <message>
        <source>Write this as the prompt.</source>
        <translation>将此作为提示词。</translation>
    </message>
    <message>
        <source>{count} of {limit}</source>
        <translation>{count} / {limit}</translation>
    </message>
    <message>
        <source>{chunks} chunks, {count} of {limit}</source>
        <translation>{chunks} 段，{count} / {limit}</translation>
    </message>
</context>
<context>
    <name>QueuePill</name>
    <message>
        <source>Show the queue.</source>
        <translation>显示队列。</translation>
    </message>
    <message>
        <source>Queue paused, {count} waiting</source>
        <translation>队列已暂停，{count} 个等待中</translation>
    </message>
    <message>
        <source>Queue paused</source>
        <translation>队列已暂停</translation>
    </message>
    <message>
        <source>{count} waiting</source>
        <translation>{count} 个等待中</translation>
    </message>
    <message>
        <source>None waiting</source>
        <translation>没有等待的任务</translation>
    </message>
    <message>
        <source>Queue empty</source>
        <translation>队列为空</translation>
    </message>
    <message>
        <source>Queue: {state}</source>
        <translation>队列：{state}</translation>
    </message>
</context>
<context>
    <name>QueueView</name>
    <message>
        <source>Clear ended</source>
        <translation>清除已结束</translation>
    </message>
    <message>
        <source>Take all jobs that have ended off the list.</source>
        <translation>从列表中移除所有已结束的任务。</translation>
    </message>
    <message>
        <source>Cancel all</source>
        <translation>全部取消</translation>
    </message>
    <message>
        <source>Stop what runs and withdraw all that wait.</source>
        <translation>停止正在运行的任务并撤回所有等待的任务。</translation>
    </message>
    <message>
        <source>Paused: nothing further is started.</source>
        <translation>已暂停：不再开始新任务。</translation>
    </message>
    <message>
        <source>Pictures that you ask for wait here for their turn.</source>
        <translation>你要求的图片在这里排队。</translation>
    </message>
    <message>
        <source>Queue</source>
        <translation>队列</translation>
    </message>
    <message>
        <source>Edit</source>
        <translation>编辑</translation>
    </message>
    <message>
        <source>Make next</source>
        <translation>下一个生成</translation>
    </message>
    <message>
        <source>Use settings</source>
        <translation>使用设置</translation>
    </message>
    <message>
        <source>Make again</source>
        <translation>再次生成</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>{count} waiting</source>
        <translation>{count} 个等待中</translation>
    </message>
    <message>
        <source>Go on</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>暂停</translation>
    </message>
    <message>
        <source>Start the jobs that wait.</source>
        <translation>开始等待的任务。</translation>
    </message>
    <message>
        <source>Start no further job; the one that runs goes on.</source>
        <translation>不再开始新任务；正在运行的会继续。</translation>
    </message>
</context>
<context>
    <name>RatingStars</name>
    <message numerus="yes">
        <source>At least %n stars</source>
        <translation>
            <numerusform>至少 %n 星</numerusform>
        </translation>
    </message>
    <message>
        <source>Any rating</source>
        <translation>任何评分</translation>
    </message>
    <message>
        <source>Show only pictures with at least so many stars</source>
        <translation>只显示至少这么多星的图片</translation>
    </message>
</context>
<context>
    <name>SeedSetting</name>
    <message>
        <source>Seed</source>
        <translation>种子</translation>
    </message>
    <message>
        <source>The same seed and settings give the same picture.</source>
        <translation>相同的种子和设置生成相同的图片。</translation>
    </message>
    <message>
        <source>Draw a new seed for each picture.</source>
        <translation>每张图片使用新的种子。</translation>
    </message>
    <message>
        <source>Keep the seed of the last picture.</source>
        <translation>保留上一张图片的种子。</translation>
    </message>
    <message>
        <source>Random</source>
        <translation>随机</translation>
    </message>
    <message>
        <source>Keep the seed of the last picture, {seed}.</source>
        <translation>保留上一张图片的种子 {seed}。</translation>
    </message>
</context>
<context>
    <name>SettingRow</name>
    <message>
        <source>Back to the default</source>
        <translation>恢复默认</translation>
    </message>
    <message>
        <source>{name}: back to the default</source>
        <translation>{name}：恢复默认</translation>
    </message>
</context>
<context>
    <name>SettingsPanel</name>
    <message>
        <source>Steps</source>
        <translation>步数</translation>
    </message>
    <message>
        <source>Sampler</source>
        <translation>采样器</translation>
    </message>
    <message>
        <source>Schedule</source>
        <translation>调度</translation>
    </message>
    <message>
        <source>CFG scale</source>
        <translation>CFG 强度</translation>
    </message>
    <message>
        <source>Pictures</source>
        <translation>图片</translation>
    </message>
    <message>
        <source>Clip skip</source>
        <translation>Clip skip</translation>
    </message>
    <message>
        <source>Noise</source>
        <translation>噪声</translation>
    </message>
    <message>
        <source>Decoder</source>
        <translation>解码</translation>
    </message>
    <message>
        <source>Settings that are seldom changed.</source>
        <translation>很少更改的设置。</translation>
    </message>
    <message>
        <source>CPU</source>
        <translation>CPU</translation>
    </message>
    <message>
        <source>NVIDIA GPU</source>
        <translation>NVIDIA GPU</translation>
    </message>
    <message>
        <source>Tiles if memory is short</source>
        <translation>内存不足时分块</translation>
    </message>
    <message>
        <source>Always in tiles</source>
        <translation>始终分块</translation>
    </message>
    <message>
        <source>Never in tiles</source>
        <translation>从不分块</translation>
    </message>
    <message>
        <source>Tiles need less memory, and may shift colours a little between them.</source>
        <translation>分块占用内存较少，但各块之间颜色可能略有差异。</translation>
    </message>
    <message>
        <source>More steps take longer and show more detail, up to a point.</source>
        <translation>步数越多越慢、细节越多，但有限度。</translation>
    </message>
    <message>
        <source>How the picture is found, step by step.</source>
        <translation>逐步求出图片的方法。</translation>
    </message>
    <message>
        <source>How much noise goes at each step.</source>
        <translation>每一步去除多少噪声。</translation>
    </message>
    <message>
        <source>How closely the picture keeps to the prompt.</source>
        <translation>图片与提示词的贴合程度。</translation>
    </message>
    <message>
        <source>How many pictures are made at once, seed by seed.</source>
        <translation>一次生成多少张图片，种子依次递增。</translation>
    </message>
    <message>
        <source>How many of the text encoder&apos;s last layers count, 2 for many anime models.</source>
        <translation>使用文本编码器倒数第几层，许多动漫模型为 2。</translation>
    </message>
    <message>
        <source>Which random numbers a seed stands for, to match pictures of other programs.</source>
        <translation>种子对应哪种随机数，以便与其他程序的图片一致。</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>尺寸</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>种子</translation>
    </message>
    <message>
        <source>Advanced</source>
        <translation>高级</translation>
    </message>
    <message>
        <source>Advanced, {count} changed</source>
        <translation>高级，{count} 项已更改</translation>
    </message>
</context>
<context>
    <name>SizeSetting</name>
    <message>
        <source>Square</source>
        <translation>方形</translation>
    </message>
    <message>
        <source>Portrait</source>
        <translation>竖向</translation>
    </message>
    <message>
        <source>Landscape</source>
        <translation>横向</translation>
    </message>
    <message>
        <source>Tall</source>
        <translation>高</translation>
    </message>
    <message>
        <source>Wide</source>
        <translation>宽</translation>
    </message>
    <message>
        <source>Custom</source>
        <translation>自定义</translation>
    </message>
    <message>
        <source>Sizes that suit the model.</source>
        <translation>适合此模型的尺寸。</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>尺寸</translation>
    </message>
    <message>
        <source>Width</source>
        <translation>宽度</translation>
    </message>
    <message>
        <source>Height</source>
        <translation>高度</translation>
    </message>
    <message>
        <source>How many pixels wide the picture is.</source>
        <translation>图片的宽度（像素）。</translation>
    </message>
    <message>
        <source>How many pixels high the picture is.</source>
        <translation>图片的高度（像素）。</translation>
    </message>
    <message>
        <source>Swap width and height.</source>
        <translation>交换宽度和高度。</translation>
    </message>
    <message>
        <source>Keep the aspect of the two sides.</source>
        <translation>保持宽高比。</translation>
    </message>
    <message>
        <source>{name} would be {wished}; {near} is the limit.</source>
        <translation>{name}应为 {wished}；上限是 {near}。</translation>
    </message>
</context>
<context>
    <name>SplitHandle</name>
    <message>
        <source>Line between before and after</source>
        <translation>前后对比分界线</translation>
    </message>
    <message>
        <source>Drag to see more of one picture or of the other.</source>
        <translation>拖移以查看两张图片。</translation>
    </message>
</context>
<context>
    <name>Workbench</name>
    <message>
        <source>The waiting picture was changed.</source>
        <translation>已更改等待中的图片。</translation>
    </message>
    <message>
        <source>Write what you want to see first.</source>
        <translation>请先写下想看到的内容。</translation>
    </message>
    <message>
        <source>Change what you like; Generate changes the waiting picture.</source>
        <translation>随意更改；按“生成”即更改等待中的图片。</translation>
    </message>
    <message>
        <source>Live pictures are quick and are not kept; Generate makes one to keep.</source>
        <translation>实时图片不会保存；按“生成”可保存一张。</translation>
    </message>
</context>
<context>
    <name>_Batch</name>
    <message>
        <source>Picture {number} of {count}</source>
        <translation>第 {number} 张，共 {count} 张</translation>
    </message>
</context>
<context>
    <name>_FolderList</name>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>No folder yet</source>
        <translation>尚无文件夹</translation>
    </message>
    <message>
        <source>Add…</source>
        <translation>添加…</translation>
    </message>
    <message>
        <source>Adds a folder.</source>
        <translation>添加文件夹。</translation>
    </message>
    <message>
        <source>Takes the folder off the list; no file is deleted.</source>
        <translation>将文件夹移出列表；不会删除文件。</translation>
    </message>
</context>
<context>
    <name>_PromptField</name>
    <message>
        <source>A model reads a prompt in chunks of {size} tokens.</source>
        <translation>模型以 {size} 个词元为一段读取提示词。</translation>
    </message>
</context>
</TS>
