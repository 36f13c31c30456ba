"""Runs native code on foreign input in child processes, which die alone.

A target is a function of the child, named as ``module:function``. It takes the options of the spec (JSON) and returns
a handler; see ``handler.py``. A handler takes a header (JSON) and a body (bytes) and sends any number of items, each
again a header and a body::

    def open_decoder(options: Header) -> Handler:
        def decode(header: Header, body: bytes, sender: ItemSender) -> None:
            for block in native_blocks(body):
                if not sender.put({"rate": 16_000}, block):
                    return                                  # the caller has left
        return decode

The parent holds a pool and reads the items::

    spec = WorkerSpec("decoder", "deployments.audio.worker:open_decoder", limits=WorkerLimits(memory_mb=512, cpu_s=20))
    pool = WorkerPool(spec, size=2)
    await pool.start()                                      # returns when one worker is ready
    async with Closing(pool.call({"rate": 16_000}, recording, deadline_s=30)) as items:
        async for header, block in items: ...
    await pool.stop()

``WorkerPool`` runs ``size`` calls at a time and keeps ``spares`` more processes ready, so that a death costs no start.
``WorkerProcess`` is one child. Both need an event loop and nothing else.

* A call that is closed or cancelled tells the child to stop; ``sender.put`` then returns False. A child that does not
  stop within ``cancel_grace_s`` is killed.
* A header has at most 1 MiB of JSON, a body at most 64 MiB.
* ``deadline_s`` counts the time that the caller waits for a worker or for its next item, not the time between reads.
* A reader that is slow blocks the child (and its place in the pool): read ahead where the output is small.
* Only length-framed JSON and bytes come back from a child; nothing of it is unpickled or executed.
* A child gets no environment but the run id and what native libraries need, no standard input, and may write no files.
  It ends with its parent, also after kill -9.
* Its standard output and error go to the log of the parent: lines that report a crash, without the text of requests.

Errors (``errors.py``): ``WorkerDied`` (with the name of the signal), ``WorkerLimitReached`` (memory or CPU),
``WorkerDeadlinePassed``, ``WorkerQueueFull``, ``WorkerNotStarted``, and ``CallRefused`` for what a handler raised.
"""
