# Prints the readers that libpcsclite sees, again after every change; after the third time it waits for a change that
# does not come, and is cancelled from another thread. The status change is that of the pseudo reader for arrivals.
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

ARRIVALS = "\\\\?PnP?\\Notification"
FOREVER = 60000


def readers(context):
    found, names = SCardListReaders(context, [])
    return names if found == SCARD_S_SUCCESS else []


def wait(context, names):
    # The upper half of the state is how many readers the caller knows of.
    return SCardGetStatusChange(context, FOREVER, [(ARRIVALS, len(names) << 16)])[0]


result, context = SCardEstablishContext(SCARD_SCOPE_USER)
assert result == SCARD_S_SUCCESS, hex(result)
for turn in range(3):
    names = readers(context)
    print("readers:", *names, flush=True)
    if turn < 2:
        result = wait(context, names)
        assert result == SCARD_S_SUCCESS, hex(result)
threading.Timer(0.2, SCardCancel, [context]).start()
result = wait(context, names)
assert result == SCARD_E_CANCELLED, hex(result)
print("cancelled", flush=True)
