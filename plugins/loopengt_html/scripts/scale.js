// Maps time to the width of the timeline. Pauses take a narrow strip each, however long they were.
class Scale {
  constructor(run) {
    const end = Math.max(run.to, run.from + 0.001, ...run.executions.map((one) => one.to ?? one.from));
    this.pauses = run.pauses.filter(([since, until]) => until > since && since >= run.from && until <= end + 0.001);
    const paused = this.pauses.reduce((sum, [since, until]) => sum + until - since, 0);
    const active = Math.max(0.001, end - run.from - paused);
    const strip = active * Math.min(0.04, 0.3 / Math.max(1, this.pauses.length));
    this.stops = [[run.from, 0]];
    let at = run.from;
    let place = 0;
    for (const [since, until] of this.pauses) {
      place += Math.max(0, since - at);
      this.stops.push([since, place]);
      place += strip;
      this.stops.push([until, place]);
      at = until;
    }
    place += Math.max(0.0001, end - at);
    this.stops.push([end, place]);
    this.length = place;
    this.fit();
  }

  fit() {
    this.low = 0;
    this.high = this.length;
  }

  /** The place of a time on the whole axis. */
  place(time) {
    const stops = this.stops;
    let low = 0;
    let high = stops.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (stops[middle][0] <= time) low = middle;
      else high = middle;
    }
    const [[from, before], [to, after]] = [stops[low], stops[high]];
    const share = to > from ? Math.min(1, Math.max(0, (time - from) / (to - from))) : 1;
    return before + share * (after - before);
  }

  /** Where a time stands in the present view, 0 to 1 when it is in it. */
  at(time) {
    return (this.place(time) - this.low) / (this.high - this.low);
  }

  zoom(factor, around = 0.5) {
    const middle = this.low + around * (this.high - this.low);
    const width = Math.min(this.length, Math.max(this.length / 5000, (this.high - this.low) / factor));
    this.low = Math.min(Math.max(0, middle - around * width), this.length - width);
    this.high = this.low + width;
  }

  pan(share) {
    const width = this.high - this.low;
    this.low = Math.min(Math.max(0, this.low + share * width), this.length - width);
    this.high = this.low + width;
  }

  show(from, to) {
    const [low, high] = [this.place(from), this.place(to)];
    const width = Math.min(this.length, Math.max((high - low) * 1.2, this.length / 5000));
    this.low = Math.min(Math.max(0, (low + high) / 2 - width / 2), this.length - width);
    this.high = this.low + width;
  }

  /** Round driven times for the axis, within the view: where each stands, and the seconds. */
  ticks(most) {
    const [from, to] = [this.driven(this.low), this.driven(this.high)];
    const rough = (to - from) / most;
    const step = STEPS.find((each) => each >= rough) || Math.ceil(rough / 86400) * 86400;
    const found = [];
    for (let at = Math.ceil(from / step - 1e-9); at * step <= to + 1e-9; at += 1) {
      found.push([(this.ofDriven(at * step) - this.low) / (this.high - this.low), at * step]);
    }
    return found;
  }

  /** Driven seconds at a place: pauses count nothing. */
  driven(place) {
    let sum = 0;
    for (let at = 1; at < this.stops.length; at += 2) {
      const [before, after] = [this.stops[at - 1][1], this.stops[at][1]];
      sum += Math.max(0, Math.min(place, after) - before);
    }
    return sum;
  }

  /** The place of a driven second. */
  ofDriven(seconds) {
    let left = seconds;
    for (let at = 1; at < this.stops.length; at += 2) {
      const [before, after] = [this.stops[at - 1][1], this.stops[at][1]];
      if (left <= after - before) return before + left;
      left -= after - before;
    }
    return this.length;
  }
}

const STEPS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400];
