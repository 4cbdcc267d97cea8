# Prints the readers that libpcsclite sees, again after every change. After the third time it waits for a change that does
# not come, and another thread cancels the wait once there is a line on standard input.
import sys
import threading

from smartcard.scard import (
    SCARD_E_CANCELLED,
    SCARD_S_SUCCESS,
    SCARD_SCOPE_USER,
    SCardCancel,
    SCardEstablishContext,
    SCardGetStatusChange,
    SCardListReaders,
)

# The pseudo reader that stands for readers that come and go.
ARRIVALS = "\\\\?PnP?\\Notification"
PATIENCE = 20000  # milliseconds


def readers(context):
    found, names = SCardListReaders(context, [])
    return names if found == SCARD_S_SUCCESS else []


def wait(context):
    return SCardGetStatusChange(context, PATIENCE, [(ARRIVALS, 0)])[0]


# The library drops a cancellation that comes between registering for changes and waiting for one.
def cancel(context, ended):
    sys.stdin.readline()
    while not ended.wait(0.01):
        result = SCardCancel(context)
        assert result == SCARD_S_SUCCESS, hex(result)


result, context = SCardEstablishContext(SCARD_SCOPE_USER)
assert result == SCARD_S_SUCCESS, hex(result)
for turn in range(3):
    print("readers:", *readers(context), flush=True)
    if turn < 2:
        result = wait(context)
        assert result == SCARD_S_SUCCESS, hex(result)
ended = threading.Event()
threading.Thread(target=cancel, args=[context, ended]).start()
result = wait(context)
ended.set()
assert result == SCARD_E_CANCELLED, hex(result)
print("cancelled", flush=True)
