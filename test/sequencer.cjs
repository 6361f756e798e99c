// The order of jest's files on a fresh clone, where no earlier run tells how long each takes: those that start engines
// first, since they wait for processes most, so that none of them is left alone at the end.
const { default: Sequencer } = require("@jest/test-sequencer");

const STARTS_ENGINES = /test\/(engine|end-to-end|examples)\/|[a-z]-?engine[^/]*\.test\.ts$/;

class EnginesFirst extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    if (sorted.some(({ duration }) => duration !== undefined)) return sorted;
    const first = sorted.filter(({ path }) => STARTS_ENGINES.test(path));
    return [...first, ...sorted.filter((test) => !first.includes(test))];
  }
}

module.exports = EnginesFirst;
