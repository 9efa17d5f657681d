import { describeAdapterContract } from './contract.js'
import { fetchHarness } from './fetch-harness.js'

describeAdapterContract(fetchHarness)
