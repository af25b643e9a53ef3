// count.mjs REPORT SKIPS — sums a JSON report of vitest: names what was skipped without leave, and prints
// "PASSED FAILED SKIPPED" last. A file that could not be loaded is one failure, a missing report too, and so is each
// skipped test that SKIPS does not name: lines of "part of the test's full name # reason".
import { existsSync, readFileSync } from 'node:fs';

const [report, skips] = process.argv.slice(2);
const allowed = readFileSync(skips, 'utf8')
  .split('\n')
  .filter((line) => line.includes(' # '))
  .map((line) => line.split(' # ')[0].trim());

let passed = 0;
let failed = 0;
let skipped = 0;

if (existsSync(report)) {
  for (const file of JSON.parse(readFileSync(report, 'utf8')).testResults) {
    if (file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed')) failed++;
    for (const test of file.assertionResults) {
      if (test.status === 'passed') passed++;
      else if (test.status === 'failed') failed++;
      else if (allowed.some((part) => test.fullName.includes(part))) skipped++;
      else {
        failed++;
        console.log(`       skipped: ${test.fullName}`);
      }
    }
  }
} else {
  failed++;
  console.log('       no report');
}
console.log(passed, failed, skipped);
