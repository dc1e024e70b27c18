"""Payment terminals that speak ZVT: CCV, Verifone, Ingenico, PAX and others in Germany, Austria, Switzerland, Benelux.

Wire:   TCP port 20007, bare APDUs; or RS-232, 9600 8N2, in frames with CRC-16/KERMIT and ACK. Class, instruction,
        length, data. Registration 06 00, then one order: 06 01 authorisation, 06 30 reversal, 06 31 refund, 06 20
        repeat receipt, 06 50 end of day, 06 70 diagnosis, 05 01 status enquiry. The terminal answers 80 00 00, then
        speaks itself (04 FF, 04 0F, 06 D1, 06 D3), each message acknowledged, until 06 0F (done) or 06 1E (aborted).
Units:  minor units of the currency in 6 bytes of BCD.
Source: PA00P015 13.08 (commands) and PA00P016 04 (transport) of the Verband der Terminalhersteller; numbers and texts
        compared with Portalum.Zvt and the crate zvt. Not in what could be read and therefore general knowledge [MEM]:
        that a reversal and a refund wait for the acknowledgement of 04 0F as an authorisation does, and which code of
        84 xx a till had best send to have a payment taken back.

The commit rule: the terminal books a payment when its 04 0F with result 00 is acknowledged, and takes it back by itself
when it is not. So 04 0F is answered only when KeepResult says that the result is on disk (80 00 00) or cannot be kept
(84 66: taken back). Until then the answer is 84 9C, "wait": the terminal asks again two seconds later, and the same
trace number is not a second payment. From the moment the order is sent, an answer that does not come is `unknown`:
ResolvePayment asks for the last transaction (06 20, nothing printed) and compares trace number and amount.
"""

from __future__ import annotations

from gateway.drivers.terminal import zvt_job, zvt_words
from gateway.drivers.terminal import zvt_orders as orders
from gateway.drivers.terminal.zvt_apdu import Apdu, StatusInformation, status_information
from gateway.drivers.terminal.zvt_job import NOT_BEGUN, Asides, Job, Step
from gateway.drivers.terminal.zvt_line import BareFraming, Framing, Junk, SerialFraming
from gateway.peripherals import (
    AbortPayment,
    Answer,
    CheckHealth,
    Command,
    DeviceClass,
    Driver,
    EndOfDay,
    ErrorCode,
    HangUp,
    KeepResult,
    Line,
    Oddity,
    Output,
    Pay,
    PaymentOutcome,
    PaymentPhase,
    PaymentProgress,
    Power,
    PowerChanged,
    Refusal,
    RepeatReceipt,
    ResolvePayment,
    Result,
    SelfTest,
    Send,
    WakeAt,
)

T4_S = 180.0
HOLD_S = 3.0  # within the five seconds of T3: how long a till may think before the terminal is told to wait
LINGER_S = 0.2  # between the last acknowledgement and hanging up
QUIET_S = 1.0  # how long a line must be silent before an order after one that failed


class ZvtTerminal:
    def __init__(
        self,
        *,
        framing: str = "tcp",
        password: str = "000000",  # noqa: S107 -- the manual's own, shipped with most terminals
        currency: str = "EUR",
        print: str = "lines",
        config: str = "",
        keep_open: bool = False,
        log_off: bool = False,
    ) -> None:
        if framing not in ("tcp", "serial"):
            raise ValueError(f"framing {framing!r} is neither tcp nor serial")
        self.password, self.currency = password, currency
        self.keep_open, self.log_off = keep_open or framing == "serial", log_off
        self._registration = orders.registration(password, currency, print, config)
        self._framing: Framing = SerialFraming() if framing == "serial" else BareFraming()
        self._registered = False
        self._job: Job | None = None
        self._asides = Asides()
        self._quiet_from: float | None = None  # set after a failure: the line must be silent first
        self._hang_up_at: float | None = None
        self._power = Power.UNKNOWN
        self._told: float | None = None

    # --- commands -------------------------------------------------------------------------------------------

    def on_command(self, command: Command, now: float) -> list[Output]:
        match command.request:
            case AbortPayment():
                outputs = self._abort_wanted(command, command.request, now)
            case KeepResult():
                outputs = self._decided(command, command.request, now)
            case Pay() | ResolvePayment() | RepeatReceipt() | EndOfDay() | CheckHealth() | SelfTest():
                outputs = self._ordered(command, now)
            case _:
                return [Refusal(command.number, ErrorCode.ILLEGAL, "unsupported", "a payment terminal cannot do this")]
        return outputs + self._wake()

    def _ordered(self, command: Command, now: float) -> list[Output]:
        if self._job is not None:
            return [Refusal(command.number, ErrorCode.BUSY, "busy", "still busy with an order; wait for its end")]
        try:
            todo = orders.todo(command.request, self.password, self.currency)
        except ValueError as problem:
            return [Refusal(command.number, ErrorCode.ILLEGAL, "impossible", str(problem))]
        self._hang_up_at = None
        job = self._job = Job(command, todo, now + command.timeout_s)
        return self._begin(job, now) if self._quiet_from is None else []

    def _begin(self, job: Job, now: float) -> list[Output]:
        if self._registered:
            return self._send_next(job, now)
        job.step, job.by = Step.REGISTER, now + self._framing.answer_s
        return self._send(self._registration, now)

    def _send_next(self, job: Job, now: float) -> list[Output]:
        job.step, job.by = Step.SENT, now + self._framing.answer_s
        return self._send(job.todo.pop(0), now)

    def _send(self, apdu: Apdu, now: float) -> list[Output]:
        data = self._framing.send(apdu, now)
        return [Send(data)] if data else []

    # --- abort and keep: out of turn ------------------------------------------------------------------------

    def _abort_wanted(self, command: Command, request: AbortPayment, now: float) -> list[Output]:
        job = self._job
        if job is None or job.pay_id != request.payment_id or self._asides.abort is not None:
            return [zvt_job.no_payment(command)]
        if job.step not in (*NOT_BEGUN, Step.SENT, Step.RUNNING):
            return [zvt_job.too_late(command)]
        self._asides.abort = command, now + command.timeout_s
        return self._send(orders.ABORT, now) if job.step is Step.RUNNING else []

    def _decided(self, command: Command, request: KeepResult, now: float) -> list[Output]:
        job = self._job
        if job is None or job.pay_id != request.payment_id or self._asides.keep is not None:
            return [zvt_job.no_payment(command)]
        if job.step not in (Step.HELD, Step.WAITING):
            return [zvt_job.no_payment(command)]
        job.decision = request.keep
        if job.step is Step.HELD:
            return [*self._carry_out(job, now), Answer(command.number)]
        self._asides.keep = command, now + command.timeout_s
        return []

    def _carry_out(self, job: Job, now: float) -> list[Output]:
        """Answer the 04 0F that lies here: with this the terminal books the payment, or takes it back."""
        job.step = Step.KEPT if job.decision else Step.TAKEN_BACK
        job.by = now + T4_S
        return [*self._send(orders.YES if job.decision else orders.TAKE_BACK, now), *self._asides.carried_out()]

    # --- bytes ----------------------------------------------------------------------------------------------

    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        if self._quiet_from is not None:
            # Answers to an order that failed. A result among them stays unacknowledged: the terminal takes it back.
            self._quiet_from = now
            return self._wake()
        outputs: list[Output] = []
        for item in self._framing.receive(data, now):
            if isinstance(item, bytes):
                outputs += [Send(item)] if item else []
            elif isinstance(item, Junk):
                outputs.append(Oddity("bytes that are no message of a ZVT terminal"))
            else:
                outputs += self._heard(item, now)
            if self._lost_it():
                break
        if self._framing.broken and self._job is not None:
            outputs += self._lost(self._job, self._framing.broken, now)
        return outputs + self._wake()

    def _lost_it(self) -> bool:
        """Whether the order failed over what was just heard: what comes behind it in the line is not looked at."""
        return self._quiet_from is not None

    def _heard(self, apdu: Apdu, now: float) -> list[Output]:
        job = self._job
        if job is None:
            return [] if apdu.is_answer else [Oddity(f"the terminal sent {apdu.control:04X} unasked")]
        if apdu.is_answer:
            return self._answered(job, apdu, now)
        if job.step in NOT_BEGUN and apdu.control not in (0x060F, 0x061E, 0x04FF):
            # The result of an order that is over: nobody waits for it, and it must not pass for this one's.
            return [Oddity("the result of an earlier order: taken back"), *self._send(orders.TAKE_BACK, now)]
        outputs: list[Output] = []
        if job.step is Step.SENT:
            outputs += self._accepted(job, now)  # its 80 00 00 was lost, but it has begun
        job.by = now + T4_S
        match apdu.control:
            case 0x060F:
                outputs += [*self._send(orders.YES, now), *self._completed(job, apdu, now)]
            case 0x061E:
                outputs += [*self._send(orders.YES, now), *self._given_up(job, apdu, now)]
            case 0x040F:
                outputs += self._status(job, status_information(apdu.data), now)
            case 0x04FF:
                outputs += [*self._send(orders.YES, now), *zvt_job.progress(job, apdu)]
            case 0x06D1 | 0x06D3:
                job.receipts.take(apdu)
                outputs += self._send(orders.YES, now)
            case _:
                outputs += self._send(orders.CANNOT, now)
        return outputs

    def _answered(self, job: Job, apdu: Apdu, now: float) -> list[Output]:
        """80 00 00 or 84 xx: to the registration, to the order, or to an abort."""
        code = apdu.negative
        if job.step in (Step.REGISTER, Step.SENT):
            if code:
                return self._rejected(job, code, now)
            if job.step is Step.SENT:
                return self._accepted(job, now)
            job.step, job.by = Step.REGISTERED, now + T4_S
            return []
        return [*self._asides.answered(code)] or [Oddity(f"an answer that nobody asked for: {apdu.control:04X}")]

    def _accepted(self, job: Job, now: float) -> list[Output]:
        job.step, job.by = Step.RUNNING, now + T4_S
        if not job.pay_id:
            return []
        aborting = self._send(orders.ABORT, now) if self._asides.abort is not None else []
        return [PaymentProgress(job.pay_id, PaymentPhase.ACCEPTED), *aborting]

    # --- the result, and who may keep it --------------------------------------------------------------------

    def _status(self, job: Job, status: StatusInformation, now: float) -> list[Output]:
        pay = job.command.request
        if not isinstance(pay, Pay):
            if job.todo:
                return self._send(orders.TAKE_BACK, now)  # not asked for yet: the payment itself; YES would book it
            job.status = status
            return self._send(orders.YES, now)
        before = job.status
        if before is not None and before.result == 0:
            return self._status_again(job, before, status, now)
        if status.result not in (0, None):
            job.status = status
            return self._send(orders.YES, now)  # nothing was booked: nothing to keep
        if status.result is None or status.amount not in (None, pay.amount_minor):
            # Nobody can keep a result that is none, or is about another amount.
            job.status, job.decision = status, False
            return [Oddity("a result without a code or over another amount: taken back"), *self._carry_out(job, now)]
        job.status, job.step, job.by = status, Step.HELD, now + HOLD_S
        return [orders.result(pay, PaymentOutcome.APPROVED, status, held=True)]

    def _status_again(self, job: Job, before: StatusInformation, status: StatusInformation, now: float) -> list[Output]:
        """04 0F once more: after "wait", or because our answer did not arrive. The same trace is the same payment."""
        if status.result != 0 and job.step is Step.KEPT:
            return self._lost(job, "unknown", now)  # booked, and then not?
        if status.result != 0:
            # It did not wait and took the payment back by itself; 06 1E will end it.
            job.status = status
            job.step = Step.RUNNING if job.step is not Step.TAKEN_BACK else job.step
            return self._send(orders.YES, now)
        if status.trace != before.trace:
            return [Oddity("a second result within one payment: taken back"), *self._send(orders.TAKE_BACK, now)]
        if job.decision is not None:
            return self._carry_out(job, now)
        job.step, job.by = Step.HELD, now + HOLD_S
        return []

    def _completed(self, job: Job, apdu: Apdu, now: float) -> list[Output]:
        """06 0F: the end of the registration, of the first of two questions, or of the order."""
        request = job.command.request
        if job.step is Step.REGISTER:
            return [Oddity("the end of an earlier order")]
        if job.step is Step.REGISTERED:
            return self._registration_done(job, now)
        if job.todo and orders.terminal_status(apdu.data) not in zvt_words.STILL_AT_IT:
            return self._send_next(job, now)
        if job.todo and isinstance(request, ResolvePayment):
            return self._end(job, zvt_job.busy_yet(request), now)
        if isinstance(request, CheckHealth) and (code := orders.terminal_status(apdu.data)) not in zvt_words.HEALTHY:
            return [*self._power_is(Power.OFFLINE), *self._rejected(job, code, now)]
        if isinstance(request, Pay) and zvt_job.paid(job, request) is None:
            return self._lost(job, "unknown", now)
        return self._end(job, zvt_job.result(job, self.currency), now)

    def _registration_done(self, job: Job, now: float) -> list[Output]:
        self._registered = True
        outputs = self._power_is(Power.ONLINE)
        if self._asides.abort is not None and isinstance(job.command.request, Pay):
            reason = "given up before the terminal was asked; start again if wanted"
            result = orders.result(job.command.request, PaymentOutcome.ABORTED, reason=reason)
            return [*outputs, *self._end(job, result, now)]
        return outputs + self._send_next(job, now)

    def _given_up(self, job: Job, apdu: Apdu, now: float) -> list[Output]:
        """06 1E: for a payment its end without money, unless the result was kept already."""
        pay, code = job.command.request, apdu.data[0] if apdu.data else 0xFF
        if job.step in NOT_BEGUN or not isinstance(pay, Pay):
            return self._rejected(job, code, now)
        if result := zvt_job.given_up(job, pay, code):
            return self._end(job, result, now)
        return self._lost(job, "unknown", now)

    # --- ends -----------------------------------------------------------------------------------------------

    def _rejected(self, job: Job, code: int, now: float) -> list[Output]:
        request = job.command.request
        if not isinstance(request, ResolvePayment) or job.step in NOT_BEGUN:
            return self._ended(job, zvt_job.rejected(job, code), now)
        if code in zvt_words.BUSY:
            return self._end(job, zvt_job.busy_yet(request), now)
        if job.todo:
            return self._send_next(job, now)  # it has no status enquiry; its last result may still be told
        reason = zvt_words.error(code)[2]
        return self._end(job, orders.result(request, PaymentOutcome.UNKNOWN, reason=reason), now)

    def _end(self, job: Job, result: Result | None, now: float) -> list[Output]:
        return self._ended(job, Answer(job.command.number, result), now)

    def _ended(self, job: Job, end: Answer | Refusal, now: float) -> list[Output]:
        self._job = None
        outputs: list[Output] = [*self._asides.end(), end]
        if self.log_off and self._registered:
            self._registered = False
            outputs = [*self._send(orders.LOG_OFF, now), *outputs]
        if not self.keep_open:
            self._hang_up_at = now + LINGER_S
        return outputs

    def _lost(self, job: Job, why: str, now: float) -> list[Output]:
        """No answer in time, or one that makes no sense: whatever comes now belongs to an order that is over."""
        outputs: list[Output] = []
        if job.step is Step.HELD:
            outputs += self._send(orders.TAKE_BACK, now)  # nobody wants it: better now than when the card leaves
        end = zvt_job.lost(job, why)
        self._job, self._registered, self._quiet_from = None, False, now
        outputs += [*self._asides.end(), end]
        if not end.begun:
            outputs += self._power_is(Power.OFF)
        self._framing.reset()
        return outputs if self.keep_open else [*outputs, HangUp()]

    def _power_is(self, power: Power) -> list[Output]:
        if power is self._power:
            return []
        self._power = power
        return [PowerChanged(power)]

    # --- time -----------------------------------------------------------------------------------------------

    def on_time(self, now: float) -> list[Output]:
        self._told = None  # that alarm has rung; the same second may be wanted once more
        outputs: list[Output] = []
        job = self._job
        if data := self._framing.on_time(now):
            outputs.append(Send(data))
        if self._hang_up_at is not None and now >= self._hang_up_at:
            self._hang_up_at, self._registered = None, False
            outputs.append(HangUp())
        if job is not None and self._framing.broken:
            outputs += self._lost(job, self._framing.broken, now)
        elif job is not None and now >= job.deadline:
            outputs += self._lost(job, "silent", now)
        elif job is not None and job.step is Step.QUIET:
            if self._quiet_from is not None and now >= self._quiet_from + QUIET_S:
                self._quiet_from = None
                outputs += self._begin(job, now)
        elif job is not None and now >= job.by:
            outputs += self._late(job, now)
        return outputs + self._asides.late(now) + self._wake()

    def _late(self, job: Job, now: float) -> list[Output]:
        if job.step is Step.HELD:
            job.step, job.by = Step.WAITING, now + T4_S
            return self._send(orders.WAIT, now)
        return self._lost(job, "silent", now)

    def _wake(self) -> list[Output]:
        timers = [self._framing.wake_at(), self._hang_up_at]
        if self._job is not None:
            timers.append(self._job.deadline)
            if self._job.step is not Step.QUIET:
                timers.append(self._job.by)
            elif self._quiet_from is not None:
                timers.append(self._quiet_from + QUIET_S)
        timers += self._asides.timers()
        at = min((timer for timer in timers if timer is not None), default=None)
        if at == self._told:
            return []
        self._told = at
        return [WakeAt(at)] if at is not None else []


DRIVER = Driver(
    name="terminal-zvt",
    device_class=DeviceClass.PAYMENT_TERMINAL,
    codec=ZvtTerminal,
    line=Line(9600, 8, "N", 2),
    options=orders.OPTIONS,
    on_demand=True,
    private=True,
)
